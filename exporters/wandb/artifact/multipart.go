package artifact

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// partSize is the size of the parts of a file: want, or more when there would
// be too many, then in whole blocks.
func partSize(size, want int64) int64 {
	if (size+want-1)/want <= maxParts {
		return want
	}
	const block = 4096
	least := (size + maxParts - 1) / maxParts
	return (least + block - 1) / block * block
}

// split hashes the parts of a file, several at a time, and the whole beside
// them: a program that wrote to it after it was added is found before anything
// is sent.
func (s *sending) split(ctx context.Context, part int64, parallel int) error {
	f, err := s.open()
	if err != nil {
		return fmt.Errorf("%s: %w", s.entry.Path, err)
	}
	defer f.Close()
	s.size = partSize(s.entry.Size, part)
	n := int((s.entry.Size + s.size - 1) / s.size)
	parts := make([]api.Part, n)
	err = ForEach(ctx, n+1, parallel+1, func(_ context.Context, i int) error {
		if i == 0 { // the longest first
			digest, _, err := SumReader(io.NewSectionReader(f, 0, s.entry.Size))
			if err == nil && digest != s.entry.Digest {
				err = fmt.Errorf("%s %w", s.name, ErrChanged)
			}
			return err
		}
		h := md5.New()
		_, err := io.CopyBuffer(h, io.NewSectionReader(f, int64(i-1)*s.size, s.size), make([]byte, copyBytes))
		parts[i-1] = api.Part{Number: int64(i), HexMD5: hexSum(h.Sum(nil))}
		return err
	})
	if err != nil {
		return fmt.Errorf("hash %s: %w", s.entry.Path, err)
	}
	s.parts = parts
	return nil
}

// sendParts sends a file in parts, several at a time, and has the server join
// them.
func (u *upload) sendParts(ctx context.Context, s *sending, f *os.File) error {
	done := slices.Clone(s.parts)
	err := ForEach(ctx, len(s.parts), u.o.Parallel, func(ctx context.Context, i int) error {
		url := s.target.PartURLs[s.parts[i].Number]
		if url == "" {
			return fmt.Errorf("the server gave no URL for part %d", s.parts[i].Number)
		}
		sum, headers := s.partHeaders(i)
		off := int64(i) * s.size
		etag, err := u.put(ctx, s, url, headers, io.NewSectionReader(f, off, min(s.size, s.entry.Size-off)), sum)
		if err == nil && etag == "" {
			err = fmt.Errorf("part %d: the server gave no ETag", s.parts[i].Number)
		}
		done[i].HexMD5 = etag // how the operation calls it
		return err
	})
	if err != nil {
		return err
	}
	_, err = u.client.CompleteMultipart(ctx, s.entry.BirthArtifactID, s.target, done)
	return err
}

// partHeaders are the sum of a part and the headers to send with it.
func (s *sending) partHeaders(i int) (sum [SumBytes]byte, headers []string) {
	raw, _ := hex.DecodeString(s.parts[i].HexMD5) // as split wrote it
	copy(sum[:], raw)
	for _, h := range s.target.UploadHeaders {
		if name, _, _ := strings.Cut(h, ":"); strings.EqualFold(strings.TrimSpace(name), "Content-Type") {
			headers = append(headers, h)
		}
	}
	return sum, append(headers, "Content-MD5:"+FormatSum(sum[:]))
}
