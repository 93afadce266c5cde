"""The checks of a verification report: functions from stored data to results, without database access."""
