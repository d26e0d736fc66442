"""A plan, a code, an outcome: the only way anything in the pipeline is changed."""
