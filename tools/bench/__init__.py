"""The benchmark: what the host costs, as ratios against references that are measured in the same run."""
