package vmx

import (
	"strings"

	"virgo/xml"
)

const volumes = "/vmfs/volumes/"

// file is the domain's name of a file that the configuration names.
func (r *reader) file(name string) (string, error) {
	if r.Desktop || strings.HasPrefix(name, "[") {
		return name, nil
	}
	if rest, ok := strings.CutPrefix(name, volumes); ok {
		store, path, ok := strings.Cut(rest, "/")
		if !ok || store == "" || path == "" {
			return "", xml.Errorf(xml.CodeInternal, "File name '%s' doesn't have expected format '/vmfs/volumes/<datastore>/<path>'", name)
		}
		return "[" + store + "] " + path, nil
	}
	if strings.HasPrefix(name, "/") {
		return name, nil
	}
	folder := r.Folder
	if folder == "" {
		folder = "[?] ?"
	}
	return folder + "/" + name, nil
}

// path is the configuration's name of a file that the domain names.
func (o Options) path(name string) (string, error) {
	if o.Desktop || strings.HasPrefix(name, "/") {
		return name, nil
	}
	rest, ok := strings.CutPrefix(name, "[")
	if !ok {
		return "", xml.Errorf(xml.CodeInternal, "Could not handle file name '%s'", name)
	}
	store, path, ok := strings.Cut(rest, "]")
	path = strings.TrimLeft(path, " ")
	if !ok || store == "" || path == "" {
		return "", xml.Errorf(xml.CodeInvalidArg, "Datastore path '%s' doesn't have expected format '[<datastore>] <path>'", name)
	}
	if store == "?" { // where reading did not know the folder
		return strings.TrimPrefix(path, "?/"), nil
	}
	return volumes + store + "/" + path, nil
}
