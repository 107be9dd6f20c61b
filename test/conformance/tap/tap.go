// Package tap writes the Test Anything Protocol. It has the names that the validation programs call
// in github.com/mndrix/tap-go, which no distribution packages, and stands in its place when they
// are built.
package tap

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// T counts the tests of one stream. Writer is where it goes; nil means standard output.
type T struct {
	Writer io.Writer
	count  int
	todo   bool
}

// New begins a stream.
func New() *T {
	return &T{}
}

func (t *T) print(format string, args ...interface{}) {
	writer := t.Writer
	if writer == nil {
		writer = os.Stdout
	}
	fmt.Fprintf(writer, format, args...)
}

// Header prints the version, and the plan when the number of tests is known beforehand.
func (t *T) Header(tests int) {
	t.print("TAP version 13\n")
	if tests > 0 {
		t.print("1..%d\n", tests)
	}
}

// Count is how many tests there were.
func (t *T) Count() int {
	return t.count
}

// Ok reports one test.
func (t *T) Ok(passed bool, description string) {
	t.count++
	word := "ok"
	if !passed {
		word = "not ok"
	}
	directive := ""
	if t.todo {
		directive = " # TODO"
	}
	t.print("%s %d -%s %s\n", word, t.count, directive, oneLine(description))
}

func oneLine(text string) string {
	return strings.ReplaceAll(text, "\n", " ")
}

// Pass reports a test that passed.
func (t *T) Pass(description string) {
	t.Ok(true, description)
}

// Fail reports a test that failed.
func (t *T) Fail(description string) {
	t.Ok(false, description)
}

// Skip reports tests that were not made, and why.
func (t *T) Skip(tests int, why string) {
	for i := 0; i < tests; i++ {
		t.count++
		t.print("ok %d # SKIP %s\n", t.count, oneLine(why))
	}
}

// Todo gives the same stream with every test marked as one that need not pass yet.
func (t *T) Todo() *Todo {
	return &Todo{t}
}

// Todo reports tests that need not pass yet, into the stream that it was made from.
type Todo struct {
	stream *T
}

// Ok reports one test that need not pass yet.
func (t *Todo) Ok(passed bool, description string) {
	t.stream.todo = true
	t.stream.Ok(passed, description)
	t.stream.todo = false
}

// Fail reports a test that fails, and need not pass yet.
func (t *Todo) Fail(description string) {
	t.Ok(false, description)
}

// AutoPlan prints the plan afterwards.
func (t *T) AutoPlan() {
	t.print("1..%d\n", t.count)
}

// Diagnostic prints a comment.
func (t *T) Diagnostic(message string) {
	t.print("# %s\n", strings.ReplaceAll(strings.TrimRight(message, "\n"), "\n", "\n# "))
}

// Diagnosticf prints a formatted comment.
func (t *T) Diagnosticf(format string, args ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, args...))
}

// YAML prints what belongs to the test before it; as JSON, which is YAML too.
func (t *T) YAML(message interface{}) error {
	text, err := json.MarshalIndent(message, "  ", "  ")
	if err != nil {
		return err
	}
	t.print("  ---\n  %s\n  ...\n", text)
	return nil
}
