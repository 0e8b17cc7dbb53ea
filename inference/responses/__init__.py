"""What `/v1/responses` keeps between calls: responses of an organization, the conversations they make, and those that
are made in the background."""
