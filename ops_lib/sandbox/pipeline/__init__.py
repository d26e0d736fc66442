"""The pipeline itself, as pipeline.md tells it: what each of its steps leaves behind, in the past and live."""
