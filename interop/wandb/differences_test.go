package wandb_test

// everywhere is in what our client differs from the official one whatever it
// does; in features and examples alike.
var everywhere = []known{
	{"", "*/requirements.txt", "Packages of Python: a Go program has none."},
	{"", "requests/uploads/run file * requirements.txt", "As above."},
	{"", "*/config/_wandb/value/python_version", "A Go program has no version of Python."},
	{"", "*/program", "The path of a Python script; the command of a Go program is in wandb-metadata.json."},
	{"", "requests/operations/Viewer", "The official client asks who the user is before it begins a run, to print it; ours learns the entity from the answer to UpsertBucket."},
	{"", "requests/operations/UpsertBucket[*/later/host", "Ours sends host and program again when the environment is known."},
}

// differences are those of the features.
var differences = []known{
	{"log", "*/none", "A key whose newest value is null has null in the summary; the official client leaves it out there, and only there."},
	{"alert", "*/_runtime", "The official client gives a run without rows a _runtime in the summary; in ours it is in _wandb.runtime, as for every run."},
	{"console", "*/_runtime", "As above."},
	{"metrics", "*/value/m[0]/7", "Summary best: the official client drops it from the definition, ours tells the server what was asked."},
	{"metrics", "*summary*/acc", "As above: the documents promise the best value, and ours computes it; the official client shows the last."},
	{"resume", "requests/operations/RunResumeStatus", "Before it cuts a run back ours asks whose it is, so that a run which is not there is told apart."},
	{"resume", "requests/operations/UpsertBucket[0]/later/displayName", "The official client sends the name back that the server gave; null leaves it as it is."},
	{"artifact", "requests/operations/ArtifactByID", "The official client reads versions to return them as objects; ours returns what committing them answered."},
	{"artifact", "requests/operations/ArtifactMembershipByName", "As above: official reads the linked version back."},
	{"artifact", "requests/operations/ArtifactType", "The official client looks the type of a collection up before it makes a version; ours leaves the check to CreateArtifact."},
	{"artifact", "requests/operations/FetchArtifactManifest", "The program of the official client downloads here; ours has a command and a package for that, with tests of their own."},
	{"artifact", "requests/operations/GetArtifactMembershipFileUrls", "As above."},
	{"artifact", "requests/operations/UpdateArtifactManifest[0]/baseArtifactID", "Ours says on which version an increment builds in both requests."},
	{"artifact", "requests/operations/LinkArtifact[0]/artifactI*", "The same input of the server behind a variable of another name."},
	{"models", "requests/operations/LinkArtifact[*]/artifactI*", "As above."},
	{"code", "requests/operations/ArtifactByID", "The official client reads versions to return them as objects; ours returns what committing them answered."},
	{"code", "requests/operations/ArtifactType", "The official client looks the type of a collection up before it makes a version; ours leaves the check to CreateArtifact."},
	{"models", "requests/operations/ArtifactByID", "The official client reads versions to return them as objects; ours returns what committing them answered."},
	{"models", "requests/operations/ArtifactMembershipByName", "As above: official reads each linked version back."},
	{"models", "requests/operations/ArtifactType", "The official client looks the type of a collection up before it makes a version; ours leaves the check to CreateArtifact."},
	{"models", "requests/operations/FetchArtifactManifest", "Another question for the same manifest: ours is that of the official client's own core."},
	{"models", "requests/operations/ArtifactManifest", "As above."},
	{"models", "requests/operations/GetArtifactMembershipFileUrls", "Another question for where the same files are; ours asks for the files that it lacks only."},
	{"models", "requests/operations/ArtifactFileURLsByManifestEntries", "As above."},
	{"media", "requests/operations/ArtifactType", "As for artifact: the official client looks the type of a collection up before it makes a version."},
	{"media", "*/image/size", "PNG encoders differ: images are compared pixel by pixel, and their files have other sizes."},
	{"media", "*/image/masks/truth/size", "As above."},
	{"shared", "*/metrics/system.agent.*", "Metrics that the official client does not have."},
	{"shared", "*/metrics/system.disk./dev/shm.*", "Ours measures the shared memory that data loaders fill."},
}

// exampleDifferences is all in which the examples of the reference documents
// leave something else when they are written in Go.
var exampleDifferences = []known{
	{"", "*go-modules.txt", "What a Go program was built of, in the place of requirements.txt."},
	{"basic setup flags path artifacts artifactobject distributed model linkmodel code", "*/_runtime", "The official client gives a run without rows a _runtime in the summary; in ours it is in _wandb.runtime, as for every run."},
	{"sticky", "*/accuracy", "The documents promise that a value which was set by hand stays, and Pin keeps that; in the official client of today the next row replaces it."},
	{"artifacts artifactobject path distributed model linkmodel code table plottable prcurve", "requests/operations/ArtifactType", "The official client looks the type of a collection up before it makes a version; ours leaves the check to CreateArtifact."},
	{"artifacts artifactobject model", "requests/operations/FetchArtifactManifest", "The official client asks for the manifest and for where files lie by other operations than ours."},
	{"artifacts artifactobject model", "requests/operations/ArtifactManifest", "As above."},
	{"artifacts artifactobject model", "requests/operations/GetArtifactMembershipFileUrls", "As above: it lists all files of the version."},
	{"artifacts artifactobject model", "requests/operations/ArtifactFileURLsByManifestEntries", "As above: ours asks for the entries that it lacks."},
	{"linkmodel", "requests/operations/ArtifactByID", "The official client reads the version back to return it as an object."},
	{"linkmodel", "requests/operations/ArtifactMembershipByName", "As above, of the linked version."},
	{"linkmodel", "requests/operations/LinkArtifact[0]/artifactI*", "The official client names the version by client id and id, ours by the id."},
	{"restore", "*model.txt", "The documents promise that files which lie in the run directory are uploaded, and ours does; the official client of today does not."},
	{"restore", "requests/operations/GetDefaultEntity", "The official client asks for the user's entity before it reads; ours has that of the run."},
	{"restore", "requests/operations/RunFiles", "The official client asks the same in a request without an operation name, which is not compared."},
	{"pictures", "*media/images/examples_0_*.png", "PNG encoders do not agree in bytes, and files are called after their content; pixels are compared."},
	{"pictures", "*/examples/filenames[*]", "As above."},
	{"videoarray", "*media/videos/video_0_*.gif", "GIF encoders do not agree in bytes; frames are compared."},
	{"videoarray", "*/video/*", "As above: path, digest and size."},
	{"chart", "*media/plotly/chart_0_*.plotly.json", "The figure of matplotlib has colours and a layout that the Go program does not give; points are compared."},
	{"chart", "*/chart/*", "As above: path, digest and size."},
	{"tensor", "*/weights/*", "The documents promise the whole tensor in a file and statistics beside it. Ours keeps both, as a histogram that W&B's pages draw; the official client of today keeps other statistics and no file."},
	{"tensor", "*media/tensor/weights_summary_*.npy", "As above: the file."},
}
