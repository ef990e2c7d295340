// Package s3 lets artifacts refer to objects in S3, in stores that speak its
// protocol, and in Google Cloud Storage through the same protocol.
//
//	h, err := s3.New(s3.Options{Region: "eu-west-1", AccessKey: id, SecretKey: key})
//	a, err := artifact.New("data", "dataset", artifact.Options{Handlers: []artifact.Handler{h}})
//	n, err := a.AddReference(ctx, "s3://bucket/prefix", artifact.ReferenceOptions{})
//
// It is a package of its own because of the weight of its client: programs that
// do not import it do not carry it.
//
// Objects are known by their ETag, and by their version where the bucket keeps
// versions. Empty objects are left out, as the official client does. Through the
// S3 protocol Google's ETag of an object is another one than through Google's
// own: an artifact that one of the two made is read by the other, where the
// generation tells that the object is the same, but the digests differ.
//
// Not done here: Azure, and credentials from the environment, which the caller
// reads.
package s3
