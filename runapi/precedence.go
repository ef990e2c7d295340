package runapi

// Source says who gave a value of a setting. Without overrides the higher one
// counts.
type Source uint8

// Sources of settings, lowest first.
const (
	FromDefault       Source = iota
	FromGlobalFile           // ~/.config/wandb/settings, or that of WANDB_CONFIG_DIR
	FromWorkspaceFile        // settings in the wandb directory
	FromEnvironment          // a WANDB_* variable
	FromProgram              // the Settings struct; a flag of the command line
)

// String returns the word for s.
func (s Source) String() string {
	switch s {
	case FromDefault:
		return "default"
	case FromGlobalFile:
		return "global file"
	case FromWorkspaceFile:
		return "workspace file"
	case FromEnvironment:
		return "environment"
	case FromProgram:
		return "program"
	}
	return "unknown"
}

// Given is a value that a source gives to a setting.
type Given struct {
	Source Source `json:"-"`
	Value  string `json:"value"`  // as it was written; of a secret, a mask
	Origin string `json:"origin"` // where it stands: WANDB_MODE, wandb/settings:3: mode, the program
	// Override is a value that counts though a higher source has another one;
	// WANDB_DISABLED=true is one.
	Override bool `json:"override,omitempty"`
}

// precedence is the whole rule of which value counts: an override beats any that
// is none; among overrides the lower source, else the higher one; within a source
// the first one. It returns the place of the value, -1 when none is given.
func precedence(all []Given) int {
	best := -1
	for i, g := range all {
		switch {
		case best < 0, g.Override && !all[best].Override:
			best = i
		case g.Override != all[best].Override:
		case g.Override && g.Source < all[best].Source, !g.Override && g.Source > all[best].Source:
			best = i
		}
	}
	return best
}
