package media

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Audio is a sound: a file, or samples that are written as WAV (16 bit).
type Audio struct {
	Path    string // a file that browsers play: wav, mp3, ogg, flac
	Caption string

	Samples  []float32 // from -1 to 1, beyond that they are cut; of several channels one after the other
	Rate     int       // samples of a channel in a second
	Channels int       // 1 when 0
}

// StoreMedia stores the sound.
func (a Audio) StoreMedia(dst Store) (Object, error) {
	if err := oneOf("audio", a.Path != "", a.Samples != nil); err != nil {
		return nil, err
	}
	f := File{Dir: "audio", Path: a.Path}
	if a.Samples != nil {
		if err := a.check(); err != nil {
			return nil, err
		}
		f = File{Dir: "audio", Ext: ".wav", Write: a.writeWAV}
	}
	return stored{"audio-file", f, a.Caption}.put(dst)
}

func (a Audio) channels() int { return max(a.Channels, 1) }

func (a Audio) check() error {
	switch {
	case a.Rate < 1 || a.Rate > math.MaxInt32:
		return fmt.Errorf("audio with a rate of %d samples a second: want Rate above 0", a.Rate)
	case a.Channels < 0 || a.Channels > math.MaxUint16/2:
		return fmt.Errorf("audio with %d channels", a.Channels)
	case len(a.Samples)%a.channels() != 0:
		return fmt.Errorf("audio of %d samples in %d channels: want as many in each", len(a.Samples), a.channels())
	case len(a.Samples) > (math.MaxUint32-44)/2:
		return fmt.Errorf("audio of %d samples: a WAV file holds less than 4 GiB", len(a.Samples))
	}
	for i, s := range a.Samples {
		if s != s {
			return fmt.Errorf("audio: sample %d is NaN", i)
		}
	}
	return nil
}

func (a Audio) writeWAV(w io.Writer) error {
	const head, sampleBytes = 44, 2
	size := uint32(len(a.Samples) * sampleBytes)
	block := uint16(a.channels() * sampleBytes)
	b := append(make([]byte, 0, head), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, head-8+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16) // bytes of the format
	b = binary.LittleEndian.AppendUint16(b, 1)  // PCM
	b = binary.LittleEndian.AppendUint16(b, uint16(a.channels()))
	b = binary.LittleEndian.AppendUint32(b, uint32(a.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(a.Rate)*uint32(block))
	b = binary.LittleEndian.AppendUint16(b, block)
	b = binary.LittleEndian.AppendUint16(b, 8*sampleBytes)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	out := bufio.NewWriterSize(w, 64<<10)
	if _, err := out.Write(b); err != nil {
		return err
	}
	for _, s := range a.Samples {
		v := int16(math.RoundToEven(float64(min(max(s, -1), 1)) * math.MaxInt16))
		if _, err := out.Write(binary.LittleEndian.AppendUint16(out.AvailableBuffer(), uint16(v))); err != nil {
			return err
		}
	}
	return out.Flush()
}

// StoreMediaList stores several sounds under one key.
func (a Audio) StoreMediaList(dst RunStore, list []Value) (Object, error) {
	all, err := objects(dst, list)
	if err != nil {
		return nil, err
	}
	rates, durations, texts, said := make([]any, len(list)), make([]any, len(list)), make([]string, len(list)), false
	for i, v := range list {
		a := as[Audio](v)
		if a.Samples != nil {
			rates[i], durations[i] = a.Rate, float64(len(a.Samples)/a.channels())/float64(a.Rate)
		}
		texts[i] = a.Caption
		said = said || a.Caption != ""
	}
	o := Object{"_type": "audio", "count": len(all), "audio": all, "sampleRates": rates, "durations": durations}
	if said {
		o["captions"] = texts
	}
	return o, nil
}

// CellType says what a sound is in a table.
func (a Audio) CellType() (string, Object) { return "audio-file", nil }
