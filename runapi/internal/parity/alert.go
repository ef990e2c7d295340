package parity

var alertRows = []Row{
	{ID: "ALERT-01", What: "alert(title, text)",
		Go:    "runapi.Run.Alert",
		Test:  "runapi.TestAlertsAndPreempting, interop/wandb.TestExamples/alert",
		Class: Direct},
	{ID: "ALERT-02", What: "Title under 64 characters",
		Go:    "runapi.MaxAlertTitle",
		Test:  "runapi.TestAlertsAndPreempting",
		Class: Direct},
	{ID: "ALERT-03", What: "Level INFO / WARN / ERROR, string or enum",
		Go:    "runapi.Level, runapi.ParseLevel",
		Test:  "runapi.TestParseLevel, runapi.TestAlertsAndPreempting",
		Class: Direct},
	{ID: "ALERT-04", What: "wait_duration: seconds or timedelta between alerts of the same title",
		Go:    "runapi.Run.Alert, runapi.DefaultAlertWait",
		Test:  "runapi.TestAlertsAndPreempting",
		Class: Adapted, Why: "A time.Duration, sent with the alert: the server keeps it by title, so it outlives the program."},
	{ID: "ALERT-05", What: "Rule-based hardware alerts (idle GPU, throttling, ECC, stuck step)",
		Class: Deferred, Why: "Rules that are watched over all runs need a service of ours; a program calls Alert, Prometheus has rules for the rest."},
}
