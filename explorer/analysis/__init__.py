"""What a library's vectors say, on paper: comparisons and a verification report (matplotlib)."""
