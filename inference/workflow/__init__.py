"""T3 as a stage of the pipeline: prompts about documents, whose beginnings, answers and steps come again."""
