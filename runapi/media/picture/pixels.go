package picture

import (
	"fmt"
	"image"
)

// Pixels makes an image of bytes, row by row from the top, with 1 (grey), 3
// (red, green, blue) or 4 (and alpha) of them for each pixel. It keeps data when
// there are 1 or 4, so that must not change before the image is logged.
func Pixels(width, height, channels int, data []uint8) (image.Image, error) {
	if err := checkPixels(width, height, channels, len(data)); err != nil {
		return nil, err
	}
	r := image.Rect(0, 0, width, height)
	switch channels {
	case 1:
		return &image.Gray{Pix: data, Stride: width, Rect: r}, nil
	case 4:
		return &image.NRGBA{Pix: data, Stride: 4 * width, Rect: r}, nil
	}
	m := image.NewNRGBA(r)
	for from, to := 0, 0; from < len(data); from, to = from+3, to+4 {
		m.Pix[to], m.Pix[to+1], m.Pix[to+2], m.Pix[to+3] = data[from], data[from+1], data[from+2], 255
	}
	return m, nil
}

// Floats makes an image of numbers, which are laid out as the bytes of Pixels:
// low is black and high is white, and what lies beyond is cut.
func Floats[F ~float32 | ~float64](width, height, channels int, data []F, low, high F) (image.Image, error) {
	if err := checkPixels(width, height, channels, len(data)); err != nil {
		return nil, err
	}
	if !(high > low) || high-low-(high-low) != 0 {
		return nil, fmt.Errorf("image of numbers from %v to %v: want a range", low, high)
	}
	bytes := make([]uint8, len(data))
	for i, v := range data {
		if v != v {
			return nil, fmt.Errorf("image: number %d is NaN", i)
		}
		bytes[i] = uint8(min(max((v-low)/(high-low), 0), 1)*255 + 0.5)
	}
	return Pixels(width, height, channels, bytes)
}

func checkPixels(width, height, channels, have int) error {
	switch {
	case width < 1 || height < 1 || width > MaxSide || height > MaxSide:
		return fmt.Errorf("image of %d by %d pixels: want 1 to %d each way", width, height, MaxSide)
	case channels != 1 && channels != 3 && channels != 4:
		return fmt.Errorf("image of %d channels: want 1 (grey), 3 (RGB) or 4 (RGBA)", channels)
	case have != width*height*channels:
		return fmt.Errorf("image of %d by %d pixels with %d channels: %d values: want %d", width, height, channels, have, width*height*channels)
	}
	return nil
}
