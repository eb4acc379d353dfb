"""Who may do it, and by which verb: functions that take a Context, check the permission and call one verb of app/."""
