"""Results as values of other packages, which are imported when they are asked for."""
