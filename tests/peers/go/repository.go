// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

type delegation struct {
	By               string
	Name             string
	Terminating      bool
	Paths            []string
	PathHashPrefixes []string `json:"path_hash_prefixes"`
}

type plan struct {
	Consistent bool
	Indented   bool
	Unknown    map[string]any
	Roles      map[string]struct {
		Keys      []string
		Threshold int
	}
	Delegations []delegation
	Targets     map[string]map[string]string
	Rotate      []string
}

type signer struct {
	key  *metadata.Key
	sign func([]byte) ([]byte, error)
}

// What a plan says, signed.
type repository struct {
	plan    *plan
	files   map[string][]byte
	signers map[string][]signer
	root    *metadata.Metadata[metadata.RootType]
	targets map[string]*metadata.Metadata[metadata.TargetsType]
	expires time.Time
}

func newSigner(kind string) (signer, error) {
	var public crypto.PublicKey
	var sign func([]byte) ([]byte, error)
	var err error
	switch kind {
	case "ed25519":
		shown, private, failed := ed25519.GenerateKey(rand.Reader)
		public, err = shown, failed
		sign = func(data []byte) ([]byte, error) { return ed25519.Sign(private, data), nil }
	case "rsa":
		private, failed := rsa.GenerateKey(rand.Reader, 2048)
		if failed != nil {
			return signer{}, failed
		}
		public = private.Public()
		sign = func(data []byte) ([]byte, error) {
			digest := sha256.Sum256(data)
			return rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32})
		}
	default:
		private, failed := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if failed != nil {
			return signer{}, failed
		}
		public = private.Public()
		sign = func(data []byte) ([]byte, error) {
			digest := sha256.Sum256(data)
			return ecdsa.SignASN1(rand.Reader, private, digest[:])
		}
	}
	if err != nil {
		return signer{}, err
	}
	key, err := metadata.KeyFromPublicKey(public)
	if err == nil {
		key.Type = kind
	}
	return signer{key, sign}, err
}

func isTop(name string) bool {
	return name == "root" || name == "timestamp" || name == "snapshot" || name == "targets"
}

func (r *repository) delegator(name string) *metadata.Metadata[metadata.TargetsType] {
	for _, role := range r.plan.Delegations {
		if role.Name == name {
			return r.targets[role.By]
		}
	}
	return nil
}

// Fresh keys for a role, instead of those it has.
func (r *repository) newKeys(name string) error {
	delegator := r.delegator(name)
	for _, old := range r.signers[name] {
		id, err := old.key.ID()
		if err == nil && delegator == nil {
			err = r.root.Signed.RevokeKey(id, name)
		} else if err == nil {
			err = delegator.Signed.RevokeKey(id, name)
		}
		if err != nil {
			return err
		}
	}
	r.signers[name] = nil
	for _, kind := range r.plan.Roles[name].Keys {
		fresh, err := newSigner(kind)
		if err == nil && delegator == nil {
			err = r.root.Signed.AddKey(fresh.key, name)
		} else if err == nil {
			err = delegator.Signed.AddKey(fresh.key, name)
		}
		if err != nil {
			return err
		}
		r.signers[name] = append(r.signers[name], fresh)
	}
	if delegator == nil {
		r.root.Signed.Roles[name].Threshold = r.plan.Roles[name].Threshold
	}
	return nil
}

// Signs in place of Metadata.Sign, which cannot name keys of the older type.
func sign[T metadata.Roles](r *repository, name string, version int64, meta *metadata.Metadata[T],
	also []signer) (*metadata.MetaFiles, error) {
	payload, err := cjson.EncodeCanonical(meta.Signed)
	if err != nil {
		return nil, err
	}
	meta.ClearSignatures()
	for _, one := range append(append([]signer{}, r.signers[name]...), also...) {
		bytes, err := one.sign(payload)
		if err != nil {
			return nil, err
		}
		id, err := one.key.ID()
		if err != nil {
			return nil, err
		}
		meta.Signatures = append(meta.Signatures, metadata.Signature{KeyID: id, Signature: bytes})
	}
	data, err := meta.ToBytes(r.plan.Indented)
	if err != nil {
		return nil, err
	}
	file := "metadata/" + name + ".json"
	if name == "root" || r.plan.Consistent && name != "timestamp" {
		file = fmt.Sprintf("metadata/%d.%s.json", version, name)
	}
	r.files[file] = data
	hash := sha256.Sum256(data)
	return &metadata.MetaFiles{Version: version, Length: int64(len(data)), Hashes: metadata.Hashes{"sha256": hash[:]}}, nil
}

func (r *repository) addTarget(role *metadata.TargetsType, name string, data []byte) error {
	file, err := metadata.TargetFile().FromBytes(name, data, "sha256")
	if err != nil {
		return err
	}
	role.Targets[name] = file
	base := path.Base(name)
	if r.plan.Consistent {
		base = hex.EncodeToString(file.Hashes["sha256"]) + "." + base
	}
	r.files[path.Join("targets", path.Dir(name), base)] = data
	return nil
}

func (r *repository) publish(stage int64) error {
	snapshot, timestamp := metadata.Snapshot(r.expires), metadata.Timestamp(r.expires)
	for name, role := range r.targets {
		role.Signed.Version = stage
		for file, text := range r.plan.Targets[name] {
			if err := r.addTarget(&role.Signed, file, []byte(text+" "+strconv.FormatInt(stage, 10))); err != nil {
				return err
			}
		}
		listed, err := sign(r, name, stage, role, nil)
		if err != nil {
			return err
		}
		snapshot.Signed.Meta[name+".json"] = listed
	}
	snapshot.Signed.Version, timestamp.Signed.Version = stage, stage
	snapshot.Signed.UnrecognizedFields = maps.Clone(r.plan.Unknown)
	timestamp.Signed.UnrecognizedFields = maps.Clone(r.plan.Unknown)
	listed, err := sign(r, "snapshot", stage, snapshot, nil)
	if err != nil {
		return err
	}
	timestamp.Signed.Meta["snapshot.json"] = listed
	_, err = sign(r, "timestamp", stage, timestamp, nil)
	return err
}

func (r *repository) rotate(name string) error {
	var leaving []signer
	if name == "root" {
		leaving = r.signers[name]
	}
	if err := r.newKeys(name); err != nil || !isTop(name) {
		return err
	}
	r.root.Signed.Version++
	_, err := sign(r, "root", r.root.Signed.Version, r.root, leaving)
	return err
}

func (r *repository) write(directory string) error {
	for name, data := range r.files {
		file := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) start() (*repository, error) {
	r := &repository{plan: p, files: map[string][]byte{}, signers: map[string][]signer{},
		targets: map[string]*metadata.Metadata[metadata.TargetsType]{},
		expires: time.Now().UTC().Truncate(time.Second).AddDate(0, 0, 30)}
	r.root = metadata.Root(r.expires)
	r.root.Signed.ConsistentSnapshot = p.Consistent
	r.root.Signed.UnrecognizedFields = maps.Clone(p.Unknown)
	for name := range p.Roles {
		if !isTop(name) || name == "targets" {
			r.targets[name] = metadata.Targets(r.expires)
			r.targets[name].Signed.UnrecognizedFields = maps.Clone(p.Unknown)
		}
	}
	for _, role := range p.Delegations {
		parent := &r.targets[role.By].Signed
		if parent.Delegations == nil {
			parent.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
		}
		parent.Delegations.Roles = append(parent.Delegations.Roles, metadata.DelegatedRole{
			Name: role.Name, KeyIDs: []string{}, Threshold: p.Roles[role.Name].Threshold,
			Terminating: role.Terminating, Paths: role.Paths, PathHashPrefixes: role.PathHashPrefixes})
	}
	for name := range p.Roles {
		if err := r.newKeys(name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// One directory a stage: as it was first, and after all rotations.
func (p *plan) make(directory string) error {
	r, err := p.start()
	if err != nil {
		return err
	}
	if _, err = sign(r, "root", 1, r.root, nil); err != nil {
		return err
	}
	if err = r.publish(1); err != nil {
		return err
	}
	if err = r.write(filepath.Join(directory, "1")); err != nil {
		return err
	}
	for _, name := range p.Rotate {
		if err = r.rotate(name); err != nil {
			return err
		}
	}
	if err = r.publish(2); err != nil {
		return err
	}
	return r.write(filepath.Join(directory, "2"))
}
