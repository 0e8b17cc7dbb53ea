"""T3's memory: documents, the pieces they are made of, what was worked out of each, and which prompts begin alike."""
