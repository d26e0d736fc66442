"""Evidence, now -> findings and verdicts. Pure: no boto3, no IPython, no clock."""
