"""Making and checking data sets: split, audit, builder for converters, generated shapes, pictures."""
