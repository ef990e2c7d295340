package tensorboard

import (
	"bytes"
	"image"
	_ "image/gif" // for their sizes
	_ "image/jpeg"
	_ "image/png"
	"io"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// picture is an encoded image, stored as it is.
type picture struct {
	data          []byte
	format        string // png, jpeg or gif
	width, height int
}

// pictures are the images of one tag at one step.
type pictures []picture

// images looks at encoded images; what is none is left out. An animation
// (tensorboardX writes videos as GIF) stands alone.
func images(encoded [][]byte) (any, bool) {
	var list pictures
	for _, data := range encoded {
		c, format, err := image.DecodeConfig(bytes.NewReader(data))
		if err == nil {
			list = append(list, picture{data, format, c.Width, c.Height})
		}
	}
	switch {
	case len(list) == 0:
		return nil, false
	case len(list) == 1 && list[0].format == "gif":
		return animation(list[0]), true
	}
	return list, true
}

// put stores the file and returns its object.
func (p *picture) put(dst media.Store, dir, ext string) (media.Object, error) {
	return dst.Put(media.File{Dir: dir, Ext: ext, Write: func(w io.Writer) error {
		_, err := w.Write(p.data)
		return err
	}})
}

// StoreMedia stores the images as the official client stores a list of them.
func (l pictures) StoreMedia(dst media.Store) (media.Object, error) {
	names := make([]any, 0, len(l))
	for i := range l {
		object, err := l[i].put(dst, "images", l[i].extension())
		if err != nil {
			return nil, err
		}
		names = append(names, object["path"])
	}
	return media.Object{
		"_type": "images/separated", "format": l[0].extension()[1:], "width": l[0].width, "height": l[0].height,
		"count": len(l), "filenames": names,
	}, nil
}

func (p *picture) extension() string {
	if p.format == "jpeg" {
		return ".jpg"
	}
	return "." + p.format
}

// animation is a GIF, which is a video.
type animation picture

// StoreMedia stores the animation as a video.
func (a animation) StoreMedia(dst media.Store) (media.Object, error) {
	p := picture(a)
	object, err := p.put(dst, "videos", ".gif")
	if err != nil {
		return nil, err
	}
	object["_type"], object["width"], object["height"] = "video-file", p.width, p.height
	return object, nil
}
