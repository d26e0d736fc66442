"""Benchmarks: ratios against a floor in the same run, counts of AWS calls, and how both grow. Run by `make bench`."""
