# make          the static binary ./virgo
# make demo     the main job on a real guest; installs QEMU first where that is needed and allowed
# make test     everything that CI checks, likewise
# make update   regenerates the tables, the reference pages and the expectations of the scripts

GO      ?= go
VERSION := 0.1.0
STATIC  := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w'
CHECKER := dist/staticcheck-v0.8.2
TARGETS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64 windows/amd64 windows/arm64

virgo: FORCE
	$(STATIC) -o virgo .

demo: virgo
	tests/setup demo
	tests/demo

test: virgo
	tests/setup test
	$(MAKE) --no-print-directory check cross unit

# Format, vet, staticcheck.
check: $(CHECKER)
	@test -z "$$(gofmt -s -l .)" || { echo 'gofmt -s would change:'; gofmt -s -l .; exit 1; }
	$(GO) vet ./...
	$(CHECKER) ./...

# The program builds for every target; drivers that need Linux are left out elsewhere.
cross:
	@for t in $(TARGETS); do \
	  echo "build $$t"; \
	  GOOS=$${t%/*} GOARCH=$${t#*/} CGO_ENABLED=0 $(GO) build -o /dev/null . || exit 1; \
	done

# Unit tests with the race detector where there is a C compiler for it, scripts, real QEMU.
# The scripts start some thousand short processes, which -race would make ten times as slow.
unit:
	@race=-race; command -v $${CC:-gcc} >/dev/null || { echo 'no C compiler: tests run without -race'; race=''; }; set -x; \
	$(GO) test $$race $$($(GO) list ./... | grep -v '/tests$$') && $(GO) test ./tests

update:
	$(GO) generate ./...
	$(GO) test ./tests ./drivers/qemu ./drivers/domain ./drivers/native -update

$(CHECKER):
	mkdir -p dist
	GOBIN=$(CURDIR)/dist $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	mv dist/staticcheck $(CHECKER)

clean:
	rm -rf virgo dist

.PHONY: demo test check cross unit update clean FORCE
FORCE:
