"""What a provider must never send and one day does: how an answer is spoiled, piece by piece."""
