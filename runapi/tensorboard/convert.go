package tensorboard

import "strconv"

// tags remembers, for one file, what kind of value each tag has: only the first
// value of a tag says it.
type tags map[string]string

// plugin returns the name of the plugin that a value is for, "" for values of
// before there were any.
func (t tags) plugin(v *value) string {
	if v.plugin != "" {
		t[v.tag] = v.plugin
		return v.plugin
	}
	return t[v.tag]
}

// convert returns what goes into a row for a value: a number, a histogram or
// images. False for what we do not take.
func (t tags) convert(v *value) (any, bool) {
	plugin := t.plugin(v)
	switch {
	case v.tag == "":
		return nil, false
	case v.kind == scalarValue && (plugin == "" || plugin == "scalars"):
		return v.scalar, true
	case v.kind == tensorValue && (plugin == "" || plugin == "scalars"):
		return scalarOf(&v.tensor)
	case v.kind == histoValue && (plugin == "" || plugin == "histograms"):
		return histogramOf(&v.histo)
	case v.kind == tensorValue && plugin == "histograms":
		return histogramOfTensor(&v.tensor)
	case v.kind == imageValue && (plugin == "" || plugin == "images"):
		return images([][]byte{v.image})
	case v.kind == tensorValue && plugin == "images":
		return imagesOfTensor(&v.tensor)
	}
	return nil, false
}

// scalarOf returns the number of a tensor that has one.
func scalarOf(t *tensor) (any, bool) {
	numbers, err := t.floats()
	if err != nil || len(numbers) != 1 {
		return nil, false
	}
	return numbers[0], true
}

// imagesOfTensor returns the images of a tensor of texts: width, height, images.
func imagesOfTensor(t *tensor) (any, bool) {
	if len(t.texts) < 3 {
		return nil, false
	}
	for _, size := range t.texts[:2] {
		if _, err := strconv.Atoi(string(size)); err != nil {
			return nil, false
		}
	}
	return images(t.texts[2:])
}
