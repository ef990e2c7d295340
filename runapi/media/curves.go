package media

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// LineSeries draws several lines: ys[i] over xs[i], or over xs[0] when that is
// the only one, called keys[i], or line_i without keys.
func LineSeries(xs, ys [][]float64, keys []string, o ChartOptions) (Chart, error) {
	if len(xs) != 1 && len(xs) != len(ys) || len(ys) == 0 {
		return Chart{}, fmt.Errorf("line series: %d lists of x and %d of y: want one of x, or one for each of y", len(xs), len(ys))
	}
	if keys != nil && len(keys) != len(ys) {
		return Chart{}, fmt.Errorf("line series: %d keys for %d lines", len(keys), len(ys))
	}
	t := NewTable("step", "lineKey", "lineVal")
	for i, line := range ys {
		key, x := "line_"+strconv.Itoa(i), xs[min(i, len(xs)-1)]
		if keys != nil {
			key = keys[i]
		}
		if len(x) != len(line) {
			return Chart{}, fmt.Errorf("line series %s: %d values of x and %d of y", key, len(x), len(line))
		}
		for n, y := range line {
			if err := t.Add(x[n], key, y); err != nil {
				return Chart{}, fmt.Errorf("line series %s: %w", key, err)
			}
		}
	}
	c := o.chart("wandb/lineseries/v0", t, map[string]string{"step": "step", "lineKey": "lineKey", "lineVal": "lineVal"})
	c.Strings["xname"] = cmp.Or(o.XName, "x")
	return c, nil
}

// scored is what a classifier said: the true class of each sample, and the
// probability that it gives to each class.
type scored struct {
	truth []int
	probs [][]float64
	names []string // of classes; nil: their numbers
}

func (s scored) check(what string) error {
	if len(s.truth) == 0 || len(s.truth) != len(s.probs) {
		return fmt.Errorf("%s: %d true classes and %d samples with probabilities: want as many, and some", what, len(s.truth), len(s.probs))
	}
	for i, p := range s.probs {
		if len(p) != len(s.probs[0]) {
			return fmt.Errorf("%s: sample %d has %d probabilities: want %d", what, i, len(p), len(s.probs[0]))
		}
		if slices.ContainsFunc(p, func(v float64) bool { return v-v != 0 }) {
			return fmt.Errorf("%s: probabilities %v of sample %d: want finite numbers", what, p, i)
		}
		if c := s.truth[i]; c < 0 || c >= len(p) {
			return fmt.Errorf("%s: class %d of sample %d: want 0 to %d", what, c, i, len(p)-1)
		}
	}
	if s.names != nil && len(s.names) < len(s.probs[0]) {
		return fmt.Errorf("%s: %d names for %d classes", what, len(s.names), len(s.probs[0]))
	}
	return nil
}

// classes are the classes that samples have.
func (s scored) classes() []int {
	list := slices.Clone(s.truth)
	slices.Sort(list)
	return slices.Compact(list)
}

func (s scored) name(class int) any {
	if s.names != nil {
		return s.names[class]
	}
	return class
}

// counts are true and false positives of a class for each threshold, from the
// highest one.
func (s scored) counts(class int) (hits, misses []float64) {
	order := make([]int, len(s.truth))
	for i := range order {
		order[i] = i
	}
	score := func(i int) float64 { return s.probs[i][class] }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score(b), score(a)) })
	hit := 0.0
	for n, i := range order {
		if s.truth[i] == class {
			hit++
		}
		if n == len(order)-1 || score(order[n+1]) != score(i) {
			hits, misses = append(hits, hit), append(misses, float64(n+1)-hit)
		}
	}
	return hits, misses
}

// recalls is how many points of recall a precision-recall curve has.
const recalls = 21

// PRCurve draws precision over recall for each class: at 21 values of recall the
// best precision that some threshold has there. truth[i] is the class of sample i,
// probs[i] what the model gives to each class. names may be nil.
func PRCurve(truth []int, probs [][]float64, names []string, o ChartOptions) (Chart, error) {
	s := scored{truth, probs, names}
	if err := s.check("precision-recall curve"); err != nil {
		return Chart{}, err
	}
	t := NewTable("class", "precision", "recall")
	for _, class := range s.classes() {
		recall, precision := s.precision(class)
		for i := recalls - 1; i >= 0; i-- {
			at := float64(i) * (1.0 / (recalls - 1))
			n, _ := slices.BinarySearch(recall, at)
			if err := t.Add(s.name(class), round3(precision[n]), round3(at)); err != nil {
				return Chart{}, err
			}
		}
	}
	c := o.chart("wandb/area-under-curve/v0", t, map[string]string{"x": "recall", "y": "precision", "class": "class"})
	c.Strings["x-axis-title"], c.Strings["y-axis-title"] = "Recall", "Precision"
	return c, nil
}

// precision returns, by growing recall, the best precision that is to be had with
// that recall or more.
func (s scored) precision(class int) (recall, precision []float64) {
	hits, misses := s.counts(class)
	all := hits[len(hits)-1]
	recall, precision = append(recall, 0), append(precision, 1)
	for i := range hits {
		recall, precision = append(recall, hits[i]/all), append(precision, hits[i]/(hits[i]+misses[i]))
	}
	for i := len(precision) - 2; i >= 0; i-- {
		precision[i] = max(precision[i], precision[i+1])
	}
	return recall, precision
}

// ROCCurve draws, for each class, the rate of true positives over that of false
// ones. Arguments are those of PRCurve. Of curves with more than MaxPreviewRows
// points together every n-th point is drawn.
func ROCCurve(truth []int, probs [][]float64, names []string, o ChartOptions) (Chart, error) {
	s := scored{truth, probs, names}
	if err := s.check("ROC curve"); err != nil {
		return Chart{}, err
	}
	t := NewTable("class", "fpr", "tpr")
	classes := s.classes()
	for _, class := range classes {
		if err := s.addROC(t, class, MaxPreviewRows/len(classes)); err != nil {
			return Chart{}, err
		}
	}
	c := o.chart("wandb/area-under-curve/v0", t, map[string]string{"x": "fpr", "y": "tpr", "class": "class"})
	c.Strings["x-axis-title"], c.Strings["y-axis-title"] = "False positive rate", "True positive rate"
	return c, nil
}

// addROC adds the corners of a curve, at most limit.
func (s scored) addROC(t *Table, class, limit int) error {
	hits, misses := s.counts(class)
	tpr, fpr := []float64{0}, []float64{0}
	last := len(hits) - 1
	for i := range hits {
		if i == 0 || i == last || hits[i+1]-2*hits[i]+hits[i-1] != 0 || misses[i+1]-2*misses[i]+misses[i-1] != 0 {
			tpr, fpr = append(tpr, hits[i]/hits[last]), append(fpr, misses[i]/misses[last])
		}
	}
	every := (len(tpr) + limit - 1) / max(limit, 1)
	for i := range tpr {
		if i%every != 0 && i != len(tpr)-1 {
			continue
		}
		if err := t.Add(s.name(class), round3(fpr[i]), round3(tpr[i])); err != nil {
			return err
		}
	}
	return nil
}

// round3 rounds as numpy does.
func round3(v float64) float64 { return math.RoundToEven(v*1000) / 1000 }

// ConfusionMatrix shows how often samples of one class were taken for another.
// Without names, classes are those that occur, called Class_1 and so on.
func ConfusionMatrix(truth, predicted []int, names []string, o ChartOptions) (Chart, error) {
	if len(truth) != len(predicted) {
		return Chart{}, fmt.Errorf("confusion matrix: %d true classes and %d predicted ones: want as many", len(truth), len(predicted))
	}
	place := map[int]int{}
	if names == nil {
		all := slices.Concat(truth, predicted)
		slices.Sort(all)
		for i, class := range slices.Compact(all) {
			place[class] = i
			names = append(names, "Class_"+strconv.Itoa(i+1))
		}
	} else {
		for i := range names {
			place[i] = i
		}
	}
	if len(names) == 0 {
		return Chart{}, errors.New("confusion matrix: there are no classes")
	}
	counts := make([]float64, len(names)*len(names))
	for i := range truth {
		row, ok := place[truth[i]]
		column, too := place[predicted[i]]
		if !ok || !too {
			return Chart{}, fmt.Errorf("confusion matrix: classes %d and %d of sample %d: want 0 to %d", truth[i], predicted[i], i, len(names)-1)
		}
		counts[row*len(names)+column]++
	}
	t := NewTable("Actual", "Predicted", "nPredictions")
	for i, n := range counts {
		if err := t.Add(names[i/len(names)], names[i%len(names)], n); err != nil {
			return Chart{}, fmt.Errorf("confusion matrix: %w", err)
		}
	}
	return o.chart("wandb/confusion_matrix/v1", t, map[string]string{"Actual": "Actual", "Predicted": "Predicted", "nPredictions": "nPredictions"}), nil
}

// Predicted is, for each sample, the class with the highest probability; -1 for
// a sample without any.
func Predicted(probs [][]float64) []int {
	list := make([]int, len(probs))
	for i, p := range probs {
		list[i] = -1
		for class := range p {
			if list[i] < 0 || p[class] > p[list[i]] {
				list[i] = class
			}
		}
	}
	return list
}
