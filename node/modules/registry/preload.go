// Images that are there before the first request: pushed into the handler without a socket, so that
// they pass the same checks as any push.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// preloadPath pushes every image of a docker archive, or of each `*.tar` in a directory.
func preloadPath(handler http.Handler, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	archives := []string{path}
	if info.IsDir() {
		if archives, err = filepath.Glob(filepath.Join(path, "*.tar")); err != nil {
			return err
		}
	}
	for _, archive := range archives {
		if err := preloadArchive(handler, archive); err != nil {
			return fmt.Errorf("`%s`: %w", archive, err)
		}
	}
	return nil
}

func preloadArchive(handler http.Handler, path string) error {
	opener := func() (io.ReadCloser, error) { return os.Open(path) }
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return err
	}
	for _, descriptor := range manifest {
		for _, repoTag := range descriptor.RepoTags {
			tag, err := name.NewTag(repoTag)
			if err != nil {
				return err
			}
			image, err := tarball.Image(opener, &tag)
			if err != nil {
				return err
			}
			if err := push(handler, tag, image); err != nil {
				return fmt.Errorf("`%s`: %w", repoTag, err)
			}
		}
	}
	return nil
}

// push stores an image under its registry's name, `index.docker.io` being what `docker.io` resolves to.
func push(handler http.Handler, tag name.Tag, image v1.Image) error {
	host := tag.RegistryStr()
	if host == name.DefaultRegistry {
		host = "docker.io"
	}
	repository := "/v2/" + hostPath(host) + "/" + tag.RepositoryStr()

	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		if err := pushBlob(handler, repository, digest, content); err != nil {
			return err
		}
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	configName, err := image.ConfigName()
	if err != nil {
		return err
	}
	if err := pushBlob(handler, repository, configName, io.NopCloser(bytes.NewReader(config))); err != nil {
		return err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}
	mediaType, err := image.MediaType()
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {string(mediaType)}}
	return send(handler, http.MethodPut, repository+"/manifests/"+tag.TagStr(), header, manifest)
}

func pushBlob(handler http.Handler, repository string, digest v1.Hash, content io.ReadCloser) error {
	defer content.Close()
	body, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	return send(handler, http.MethodPost, repository+"/blobs/uploads/?digest="+url.QueryEscape(digest.String()), nil, body)
}

// send calls the handler as a server would. It is not httptest: that package adds a flag of its own
// to every program that imports it. The body is a bytes.Reader because only then is the length known,
// and the store reads no further than the length.
func send(handler http.Handler, method, target string, header http.Header, body []byte) error {
	request, err := http.NewRequest(method, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if header != nil {
		request.Header = header
	}
	answer := &memoryResponse{header: http.Header{}, status: http.StatusOK}
	handler.ServeHTTP(answer, request)
	if answer.status >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %d %s", method, request.URL.Path, answer.status, answer.body.String())
	}
	return nil
}

type memoryResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *memoryResponse) Header() http.Header               { return r.header }
func (r *memoryResponse) WriteHeader(status int)            { r.status = status }
func (r *memoryResponse) Write(content []byte) (int, error) { return r.body.Write(content) }
