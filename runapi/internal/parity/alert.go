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
	{ID: "ALERT-03", What: "Level INFO / WARN / ERROR, string or enum"},
	{ID: "ALERT-04", What: "wait_duration: seconds or timedelta between alerts of the same title"},
	{ID: "ALERT-05", What: "Rule-based hardware alerts (idle GPU, throttling, ECC, stuck step)"},
}
