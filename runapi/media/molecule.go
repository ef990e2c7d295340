package media

import "strings"

// molecules are the formats that W&B shows.
var molecules = []string{".pdb", ".pqr", ".mmcif", ".mcif", ".cif", ".sdf", ".sd", ".gro", ".mol2", ".mmtf"}

// Molecule is the structure of one: a file, or its text.
type Molecule struct {
	Path    string // .pdb, .pqr, .mmcif, .mcif, .cif, .sdf, .sd, .gro, .mol2 or .mmtf
	Text    string // or the content of such a file
	Format  string // of Text: pdb, sdf, ...
	Caption string
}

// StoreMedia stores the file.
func (m Molecule) StoreMedia(dst Store) (Object, error) {
	if err := oneOf("molecule", m.Path != "", m.Text != ""); err != nil {
		return nil, err
	}
	name := m.Path
	if m.Text != "" {
		name = "." + strings.TrimPrefix(m.Format, ".")
	}
	f, err := fileOf("molecule", name, molecules...)
	if err != nil {
		return nil, err
	}
	if m.Text != "" {
		f = textFile("molecule", f.Ext, m.Text)
	}
	return stored{"molecule-file", f, m.Caption}.put(dst)
}

// StoreMediaList stores several molecules under one key.
func (m Molecule) StoreMediaList(dst RunStore, list []Value) (Object, error) {
	all, err := objects(dst, list)
	if err != nil {
		return nil, err
	}
	return Object{"_type": "molecule", "filenames": Members(all, "path"), "count": len(all), "captions": captions(all)}, nil
}

// CellType says what a molecule is in a table.
func (m Molecule) CellType() (string, Object) {
	return "pythonObject", Object{"class_name": "Molecule"}
}
