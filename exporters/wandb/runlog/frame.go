package runlog

import (
	"encoding/binary"
	"hash/crc32"
)

// The log is cut into blocks at absolute file offsets. A record becomes one
// chunk, or several when it crosses a block boundary.
const (
	blockSize   = 32768
	chunkHeader = 7 // checksum 4, length 2, type 1
	fileHeader  = ":W&B\xe1\xbe\x00"
)

const (
	chunkFull = iota + 1
	chunkFirst
	chunkMiddle
	chunkLast
)

// typeCRC is the CRC-32 of each chunk type byte; the checksum of a chunk goes
// on from there over the payload.
var typeCRC = func() (t [chunkLast + 1]uint32) {
	for i := range t {
		t[i] = crc32.ChecksumIEEE([]byte{byte(i)})
	}
	return t
}()

func chunkSum(kind byte, payload []byte) uint32 {
	return crc32.Update(typeCRC[kind], crc32.IEEETable, payload)
}

// appendRecord appends the chunks of one record that starts at file offset
// pos, with the zero padding that precedes it at the end of a block.
func appendRecord(dst []byte, pos int64, payload []byte) []byte {
	left := blockSize - int(pos%blockSize)
	if left < chunkHeader {
		dst = append(dst, make([]byte, left)...)
		left = blockSize
	}
	if chunkHeader+len(payload) <= left {
		return appendChunk(dst, chunkFull, payload)
	}
	kind := byte(chunkFirst)
	for chunkHeader+len(payload) > left {
		n := left - chunkHeader
		dst = appendChunk(dst, kind, payload[:n])
		payload, kind, left = payload[n:], chunkMiddle, blockSize
	}
	return appendChunk(dst, chunkLast, payload)
}

func appendChunk(dst []byte, kind byte, payload []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, chunkSum(kind, payload))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(payload)))
	dst = append(dst, kind)
	return append(dst, payload...)
}

// wholeRecords says how many of the framed bytes in buf, which begin at file
// offset pos and at a record boundary, are whole records, and how many these
// are. It trusts the framing: the bytes are our own.
func wholeRecords(buf []byte, pos int64) (size int, records int64) {
	for i := 0; ; {
		if left := blockSize - int((pos+int64(i))%blockSize); left < chunkHeader {
			i += left
		}
		if i+chunkHeader > len(buf) {
			return size, records
		}
		kind := buf[i+6]
		i += chunkHeader + int(binary.LittleEndian.Uint16(buf[i+4:]))
		if i > len(buf) {
			return size, records
		}
		if kind == chunkFull || kind == chunkLast {
			size, records = i, records+1
		}
	}
}
