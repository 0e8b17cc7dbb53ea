"""The benchmark behind `make bench`: what the gateway adds to a call, against the same call made directly."""
