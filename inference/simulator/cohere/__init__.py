"""Cohere's protocol: chat and embeddings of version 2, embeddings of version 1."""
