package runapi

import (
	"encoding/json"
	"errors"
	"net/textproto"
	"path"
	"strconv"
	"strings"
	"time"
)

// maxWait stands for "as long as it takes".
const maxWait = 366 * 24 * time.Hour

// parseSeconds reads a number of seconds, at most a year. 0 is "as long as it
// takes", as for the official client.
func parseSeconds(v string) (time.Duration, error) {
	sec, err := strconv.ParseFloat(v, 64)
	if err != nil || !(sec >= 0 && sec <= maxWait.Seconds()) {
		return 0, errors.New("want seconds")
	}
	if sec == 0 {
		return maxWait, nil
	}
	return time.Duration(sec * float64(time.Second)), nil
}

// errResume names the words of Settings.Resume.
var errResume = errors.New("want must, allow, never or auto")

func setResume(s *Settings, v string) error {
	switch word := strings.ToLower(v); word {
	case "must", "allow", "never", "auto":
		s.Resume = word
	case "true":
		s.Resume = "auto"
	case "false":
	default:
		return errResume
	}
	return nil
}

func setIgnoreGlobs(s *Settings, v string) error {
	for glob := range strings.SplitSeq(v, ",") {
		glob = strings.TrimSpace(glob)
		if _, err := path.Match(glob, ""); err != nil {
			return err
		}
		if glob != "" {
			s.IgnoreGlobs = append(s.IgnoreGlobs, glob)
		}
	}
	return nil
}

// setHeaders does not repeat the value in its error: headers may hold secrets.
func setHeaders(s *Settings, v string) error {
	if json.Unmarshal([]byte(v), &s.ExtraHeaders) != nil {
		return errors.New("want a JSON object of texts")
	}
	for name, value := range s.ExtraHeaders {
		if name == "" || textproto.TrimString(name) != name || strings.ContainsAny(name+value, "\r\n\x00") {
			return errors.New("want names and values without line ends")
		}
	}
	return nil
}

func setPrimary(s *Settings, v string) error {
	primary, err := parseBool(v)
	s.Secondary = !primary
	return err
}

func setFinishState(s *Settings, v string) error {
	update, err := parseBool(v)
	s.LeaveRunning = !update
	return err
}

func setHostSampling(s *Settings, v string) error {
	switch h := HostSampling(strings.ToLower(v)); h {
	case HostOnce, HostAlways, HostNever:
		s.HostSampling = h
		return nil
	}
	return errors.New("want once, always or never")
}

func setConfigFiles(s *Settings, v string) error {
	for path := range strings.SplitSeq(v, ",") {
		if path = strings.TrimSpace(path); path != "" {
			s.ConfigFiles = append(s.ConfigFiles, path)
		}
	}
	return nil
}
