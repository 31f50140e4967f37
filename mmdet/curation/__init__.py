"""Making and checking data sets: split, audit, converters' builder, generated shapes, sheets."""
