"""Who may do what, and by which verb: functions that check the permission and call one verb of app/."""
