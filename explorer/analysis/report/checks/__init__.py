"""The checks of a verification report: functions that turn stored data into results, and read no database."""
