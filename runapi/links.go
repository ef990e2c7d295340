package runapi

import (
	"fmt"
	"html"
)

// URL returns where people find the run; "" as long as the server has not said,
// and always for a run that is kept.
func (r *Run) URL() string {
	if r == nil {
		return ""
	}
	return r.link.Load().identity().URL
}

// ProjectURL returns where people find the run's project; "" when URL is.
func (r *Run) ProjectURL() string {
	if r == nil || r.client == nil {
		return ""
	}
	id := r.link.Load().identity()
	if id.URL == "" {
		return ""
	}
	return r.client.ProjectURL(id.Entity, id.Project)
}

// SweepID returns the sweep that the run is part of; "" for none.
func (r *Run) SweepID() string {
	if r == nil {
		return ""
	}
	return r.set.SweepID
}

// SweepURL returns where people find the run's sweep; "" when URL is, and
// without a sweep.
func (r *Run) SweepURL() string {
	if r.SweepID() == "" {
		return ""
	}
	if project := r.ProjectURL(); project != "" {
		return project + "/sweeps/" + r.SweepID()
	}
	return ""
}

// defaultHeight is that of a page in a frame, in pixels.
const defaultHeight = 420

// HTMLOptions say how a run is shown in a page. The zero value works.
type HTMLOptions struct {
	Height int  // of the frame, in pixels; 0 is 420
	Hidden bool // the frame opens when its title is clicked
}

// HTML returns a snippet that shows the run's page in a frame, for notebooks and
// reports; "" when URL is. Package exporters/wandb/report writes a whole page of
// a run that is nowhere but on disk.
func (r *Run) HTML(o HTMLOptions) string {
	url := r.URL()
	if url == "" {
		return ""
	}
	if o.Height <= 0 {
		o.Height = defaultHeight
	}
	frame := fmt.Sprintf(`<iframe src="%s" loading="lazy" style="border:none;width:100%%;height:%dpx"></iframe>`, html.EscapeString(url+"?jupyter=true"), o.Height)
	if o.Hidden {
		return fmt.Sprintf(`<details><summary>%s</summary>%s</details>`, html.EscapeString("Run "+r.Path()), frame)
	}
	return frame
}
