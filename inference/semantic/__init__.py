"""T2 as a stage of the pipeline: which question a request asks, in which scope, and what became of the answer."""
