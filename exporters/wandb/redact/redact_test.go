package redact

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const (
	hex40 = "0123456789abcdef0123456789abcdef01234567"
	hfKey = "hf_abcdefghijklmnopqrstuvwxyzABCD"
)

func TestText(t *testing.T) {
	r := New([]string{"WANDB_API_KEY=canary-value-1", "HOME=/root-directory", "SSH_KEY=/home/x/.ssh/id", "X_TOKEN=abc"})
	f := func(in, want string) {
		t.Helper()
		if got := r.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("loss: 0.25 acc=0.9", "loss: 0.25 acc=0.9")
	f("my canary-value-1 here", "my *** here")
	f("key "+hex40+" end", "key *** end")
	f("local-"+hex40, "local-***")
	f("a"+hex40+"b", "***")
	f(hex40[:39], hex40[:39])
	f("https://user:pw@host/x?y", "https://***@host/x?y")
	f("https://host/a@b", "https://host/a@b")
	f("ssh://git@host/x", "ssh://***@host/x")
	f("Authorization: Basic YXBpOmFiYw==", "Authorization: ***")
	f("authorization=Bearer abc def", "authorization=***")
	f("got Bearer abcdefghijklmnopqr.stu ok", "got Bearer *** ok")
	f("bearer of news", "bearer of news")
	f(`{"api_key": "s3cr3t", "lr": 1}`, `{"api_key": "***", "lr": 1}`)
	f("password=hunter2&x=1", "password=***&x=1")
	f("max_tokens=2048 token: 17", "max_tokens=2048 token: 17")
	f("password: 1234", "password: ***")
	f("tokenizer=gpt2 keyboard: us", "tokenizer=gpt2 keyboard: us")
	f("token = x", "token = x")
	f("+ train --api-key s3cr3t --lr 1 --secret --v", "+ train --api-key *** --lr 1 --secret --v")
	f("AKIAIOSFODNN7EXAMPLE", "***")
	f(hfKey+"\n", "***\n")
	f("ghp_"+strings.Repeat("x", 36), "***")
	f("sk-"+strings.Repeat("aB3", 10), "***")
	f("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc_def x", "*** x")
	f("/root-directory /home/x/.ssh/id abc", "/root-directory /home/x/.ssh/id abc")
}

func TestArgs(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := (*Redactor)(nil).Args(strings.Fields(in)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("Args(%q) = %q, want %q", in, got, want)
		}
	}
	f("train.py --lr 0.1", "train.py --lr 0.1")
	f("x --api-key s3cr3t --lr 1", "x --api-key *** --lr 1")
	f("x --api-key=s3cr3t", "x --api-key=***")
	f("x --hf_token "+hfKey, "x --hf_token ***")
	f("x -password p -v", "x -password *** -v")
	f("x --token --verbose", "x --token --verbose")
	f("x --max-tokens 2048 --tokenizer gpt2", "x --max-tokens 2048 --tokenizer gpt2")
	f("env API_TOKEN=abc run", "env API_TOKEN=*** run")
	f("clone https://u:p@h/r", "clone https://***@h/r")
	f("x --password", "x --password")
}

func TestSecretName(t *testing.T) {
	for _, name := range []string{"api_key", "apiKey", "WANDB_API_KEY", "HF_TOKEN", "--password", "aws-secret-access", "client.secret", "accesskey", "DB_PASSWD"} {
		if !SecretName(name) {
			t.Errorf("SecretName(%q) = false, want true", name)
		}
	}
	for _, name := range []string{"", "lr", "tokenizer", "keyboard", "key_size_x_", "secretary", "compass"} {
		if want := name == "key_size_x_"; SecretName(name) != want {
			t.Errorf("SecretName(%q) = %v, want %v", name, !want, want)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	r := New([]string{"WANDB_API_KEY=canary-value-1"})
	line := []byte("epoch 3: loss=0.123 tokens/s=123456 https://host/path name=value\n")
	dst := make([]byte, 0, 2*len(line))
	if n := testing.AllocsPerRun(100, func() { dst = r.Append(dst[:0], line) }); n != 0 {
		t.Errorf("Append of a clean line allocates %v times, want 0", n)
	}
	if !bytes.Equal(dst, line) {
		t.Errorf("Append changed a clean line: %q", dst)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("password=x https://a:b@c Authorization: Bearer zzzzzzzzzzzzzzzzzz"), []byte("canary-value-1"))
	f.Add([]byte("\xff\xfe"+hex40), []byte("12345678"))
	f.Fuzz(func(t *testing.T, text, secret []byte) {
		if len(secret) < minLiteral || bytes.IndexByte(secret, 0) >= 0 || innocent(string(secret)) || bytes.Contains([]byte("a"+Mask+"a"), secret) || bytes.Contains(secret, []byte("*")) {
			t.Skip()
		}
		r := New([]string{"MY_TOKEN=" + string(secret)})
		in := append(append(append([]byte(nil), text...), secret...), text...)
		out := r.Append(nil, in)
		if bytes.Contains(out, secret) {
			t.Fatalf("secret %q left in %q", secret, out)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := New([]string{"WANDB_API_KEY=canary-value-1", "HF_TOKEN=hf_notarealtoken"})
	line := []byte("step 1200 | loss 0.123 | lr 3.0e-04 | 123456 tokens/s | gpu 87% | eta: 00:12:31\n")
	dst := make([]byte, 0, 2*len(line))
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		dst = r.Append(dst[:0], line)
	}
	if !bytes.Equal(dst, line) {
		b.Fatalf("clean line changed: %q", dst)
	}
}
