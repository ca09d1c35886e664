"""Everything that the jobs of the fraud-detection pipeline run."""
