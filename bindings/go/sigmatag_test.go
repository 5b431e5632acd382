package sigmatag

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const drop = `{"category":"MySqlAuditLogs","properties":{"event_class":"general_log",` +
	`"event_subclass":"LOG","error_code":0,"ip":"198.51.100.23","user":"app[app] @  [198.51.100.23]",` +
	`"sql_text":"DROP TABLE orders"}}`

func withDefault(t *testing.T, options *Options) *Engine {
	engine, err := OpenDefault(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

func TestARuleIsDescribed(t *testing.T) {
	engine := withDefault(t, nil)
	hits, summary, err := engine.Match(Event{Format: JSON, Data: []byte(drop), Tag: "mysql.audit",
		Time: time.Unix(1_772_600_000, 0)})
	if err != nil || len(hits) == 0 {
		t.Fatalf("%v, %+v, %v", hits, summary, err)
	}
	rule := hits[0].Rule
	if len(rule.ID) != 36 || rule.Title == "" || rule.Level == LevelNone || len(rule.Tags) == 0 ||
		!strings.HasPrefix(rule.Logsource, "mysql/") {
		t.Errorf("%+v", rule)
	}
	if summary.MatchedRecords != 1 || summary.Unrouted != 0 {
		t.Errorf("%+v", summary)
	}
	ids := []string{rule.ID, "no-such-rule"}
	disabled := withDefault(t, &Options{DisableRules: ids})
	left, _, err := disabled.Match(Event{Format: JSON, Data: []byte(drop)})
	if err != nil || len(left) != len(hits)-1 {
		t.Errorf("%v, %v", left, err)
	}
	info, err := disabled.Info()
	if err != nil || info.DisabledRules != 1 || info.UnknownDisabledRules != 1 || len(info.Ruleset) != 64 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestTheOptionsApply(t *testing.T) {
	event := Event{Format: JSON, Data: []byte(drop)}
	engine := withDefault(t, &Options{MaxRecord: 64})
	out, _, err := engine.Tag(event, nil)
	if !errors.Is(err, Unexamined) || !bytes.Equal(out, event.Data) {
		t.Errorf("%s, %v", out, err)
	}
	engine = withDefault(t, &Options{Logsource: LogsourceStrict})
	event.Logsource = "windows//sysmon"
	if hits, _, err := engine.Match(event); err != nil || len(hits) != 0 {
		t.Errorf("%v, %v", hits, err)
	}
	if _, err := OpenDefault(&Options{MinLevel: 17}); !errors.Is(err, BadArgument) {
		t.Error(err)
	}
	_, err = OpenDefault(&Options{Normalize: "splunk"})
	known := "unknown destination `splunk`; known are sekoia, ecs, asim"
	if !errors.Is(err, BadArgument) || !strings.Contains(err.Error(), known) {
		t.Error(err)
	}
	out, _, err = withDefault(t, nil).Tag(Event{Format: JSON, Data: []byte(drop)},
		&Tagging{Shape: ECS, Key: "found"})
	if err != nil || !bytes.Contains(out, []byte(`"found":{`)) || !bytes.Contains(out, []byte(`"threat":`)) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestADocumentTakesTheRecordsPlace(t *testing.T) {
	engine := withDefault(t, &Options{Normalize: "Sekoia"})
	out, summary, err := engine.Tag(Event{Format: JSON, Data: []byte(drop)}, nil)
	var document struct {
		Message string
		Source  struct{ IP string }
		Action  struct{ Type string }
		Sigma   struct{ Rules []struct{ ID string } }
	}
	if err != nil || json.Unmarshal(out, &document) != nil {
		t.Fatalf("%s, %v", out, err)
	}
	if document.Message != drop || document.Source.IP != "198.51.100.23" ||
		document.Action.Type != "general_log" || len(document.Sigma.Rules) == 0 {
		t.Errorf("%s", out)
	}
	if summary.Normalized != 1 || summary.Unmapped != 0 || summary.MatchedRecords != 1 {
		t.Errorf("%+v", summary)
	}
	other := []byte(`{"message":"GET / 200"}`)
	out, summary, err = engine.Tag(Event{Format: JSON, Data: other}, nil)
	if err != nil || !bytes.Equal(out, other) || summary.Normalized != 0 || summary.Unmapped != 1 {
		t.Errorf("%s, %+v, %v", out, summary, err)
	}
	// Matching alone writes nothing.
	hits, summary, err := engine.Match(Event{Format: JSON, Data: []byte(drop)})
	if err != nil || len(hits) == 0 || summary.Normalized != 0 {
		t.Errorf("%v, %+v, %v", hits, summary, err)
	}
}

func TestBadRulesAreErrorsWithTheRepair(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "rules.yml")
	if err := os.WriteFile(path, []byte("title: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, nil)
	var detail *Error
	if !errors.As(err, &detail) || !errors.Is(err, NotCompiled) {
		t.Fatal(err)
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "sigmatag compile") {
		t.Error(err)
	}
	_, err = Open(filepath.Join(folder, "missing.sgt"), nil)
	if !errors.Is(err, IO) || !strings.Contains(err.Error(), "missing.sgt") {
		t.Error(err)
	}
	for _, rules := range [][]byte{nil, {}, []byte("SGT?")} {
		if _, err = OpenBytes(rules, nil); !errors.As(err, &detail) || detail.Op != "open" {
			t.Errorf("%q: %v", rules, err)
		}
	}
	engine := withDefault(t, nil)
	before, _ := engine.Info()
	if err := engine.Reload(path); !errors.Is(err, NotCompiled) {
		t.Error(err)
	}
	if err := engine.ReloadBytes([]byte("SGT?")); err == nil {
		t.Error("no error")
	}
	after, _ := engine.Info()
	if before != after {
		t.Errorf("%+v became %+v", before, after)
	}
	stats, _ := engine.Stats()
	if stats.FailedReloads != 2 {
		t.Errorf("%+v", stats)
	}
}

func TestWhatCannotBeReadPasses(t *testing.T) {
	engine := withDefault(t, nil)
	for _, data := range [][]byte{nil, {}, []byte("no JSON"), []byte(drop[:len(drop)-1]), {0xFF, 0}} {
		out, _, err := engine.Tag(Event{Format: JSON, Data: data}, nil)
		if !errors.Is(err, Malformed) || !bytes.Equal(out, data) {
			t.Errorf("%q became %q, %v", data, out, err)
		}
		lines, summary, err := engine.TagLines(data, nil)
		if err != nil || !bytes.Equal(lines, data) || summary.Malformed > 1 {
			t.Errorf("%q became %q, %v", data, lines, err)
		}
	}
	hits, summary, err := engine.MatchBatch(JSON, [][]byte{[]byte("{"), nil, []byte(drop)})
	if err != nil || summary.Malformed != 2 || len(hits) == 0 || hits[0].Record != 2 {
		t.Errorf("%v, %+v, %v", hits, summary, err)
	}
	if _, _, err := engine.MatchBatch(JSON, nil); err != nil {
		t.Error(err)
	}
	if _, _, err := engine.Match(Event{Format: 99, Data: []byte("{}")}); !errors.Is(err, BadArgument) {
		t.Error(err)
	}
}

func TestAClosedEngineSaysSo(t *testing.T) {
	engine, err := OpenDefault(nil)
	if err != nil {
		t.Fatal(err)
	}
	engine.Match(Event{Format: JSON, Data: []byte(drop)})
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	data := []byte(drop)
	out, _, tagError := engine.Tag(Event{Format: JSON, Data: data}, nil)
	lines, _, linesError := engine.TagLines(data, nil)
	if !bytes.Equal(out, data) || !bytes.Equal(lines, data) {
		t.Error("the record is lost")
	}
	_, _, matchError := engine.Match(Event{})
	_, _, batchError := engine.MatchBatch(JSON, nil)
	_, infoError := engine.Info()
	_, statsError := engine.Stats()
	_, sourcesError := engine.Sources()
	for _, err := range []error{tagError, linesError, matchError, batchError, infoError, statsError,
		sourcesError, engine.Reload("x"), engine.ReloadBytes(nil), engine.Close()} {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

func TestSourcesAreCounted(t *testing.T) {
	engine := withDefault(t, nil)
	engine.Match(Event{Format: JSON, Data: []byte(drop)})
	sources, err := engine.Sources()
	if err != nil || len(sources) < 3 {
		t.Fatalf("%v, %v", sources, err)
	}
	seen := uint64(0)
	for _, source := range sources {
		if source.Name == "azure-mysql" {
			seen = source.Events
		}
	}
	if seen != 1 {
		t.Errorf("%+v", sources)
	}
}

func TestThereIsAVersion(t *testing.T) {
	if parts := strings.Split(Version(), "."); len(parts) != 3 {
		t.Error(Version())
	}
	if Level(9).String() != "Level(9)" || LevelHigh.String() != "high" {
		t.Error(Level(9), LevelHigh)
	}
}
