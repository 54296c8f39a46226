// SPDX-License-Identifier: Apache-2.0

// go-tuf behind the command line that every peer of the interoperability tests has (tests/peers/README.md).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

type names []string

func (list *names) String() string { return fmt.Sprint(*list) }

func (list *names) Set(name string) error {
	*list = append(*list, name)
	return nil
}

var (
	metadataDir   = flag.String("metadata-dir", "", "")
	metadataURL   = flag.String("metadata-url", "", "")
	targetDir     = flag.String("target-dir", "", "")
	targetBaseURL = flag.String("target-base-url", "", "")
	times         = flag.Int("times", 0, "")
	kept          = flag.Bool("kept", false, "")
	targetNames   names
)

// One refresh, and the downloads that were asked for.
func update(command string) error {
	root, err := os.ReadFile(filepath.Join(*metadataDir, "root.json"))
	if err != nil {
		return err
	}
	settings, err := config.New(*metadataURL, root)
	if err != nil {
		return err
	}
	settings.LocalMetadataDir, settings.LocalTargetsDir = *metadataDir, *targetDir
	settings.RemoteTargetsURL = *targetBaseURL
	if command == "refresh" {
		settings.LocalTargetsDir = *metadataDir // it must exist
	}
	client, err := updater.New(settings)
	if err != nil {
		return err
	}
	if err = client.Refresh(); err != nil || command == "refresh" {
		return err
	}
	for _, name := range targetNames {
		info, err := client.GetTargetInfo(name)
		if err != nil {
			return err
		}
		found, _, err := client.FindCachedTarget(info, "")
		if err == nil && found == "" {
			_, _, err = client.DownloadTarget(info, "", "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func reset(root []byte) error {
	for _, stale := range []string{*metadataDir, *targetDir} {
		if stale != "" {
			if err := os.RemoveAll(stale); err != nil {
				return err
			}
		}
	}
	if err := os.Mkdir(*metadataDir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*metadataDir, "root.json"), root, 0o644)
}

// Microseconds of the best and the median update; each starts with the root alone, or, with -kept, with what is there.
func measure(command string) error {
	root, err := os.ReadFile(filepath.Join(*metadataDir, "root.json"))
	if err != nil {
		return err
	}
	var taken []int64
	for range *times {
		if !*kept {
			if err = reset(root); err != nil {
				return err
			}
		}
		start := time.Now()
		if err = update(command); err != nil {
			return err
		}
		taken = append(taken, time.Since(start).Microseconds())
	}
	slices.Sort(taken)
	fmt.Println(taken[0], taken[len(taken)/2])
	return nil
}

func makeRepository(planFile, directory string) error {
	var wanted plan
	data, err := os.ReadFile(planFile)
	if err == nil {
		err = json.Unmarshal(data, &wanted)
	}
	if err != nil {
		return err
	}
	return wanted.make(directory)
}

func run() error {
	words := flag.Args()
	switch {
	case len(words) == 3 && words[0] == "make":
		return makeRepository(words[1], words[2])
	case len(words) != 1 || (words[0] != "refresh" && words[0] != "download"):
		return fmt.Errorf("expected refresh, download or make, found %q", words)
	case *times > 0:
		return measure(words[0])
	}
	return update(words[0])
}

func main() {
	flag.Var(&targetNames, "target-name", "")
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "%T: %v\n", err, err)
		os.Exit(1)
	}
}
