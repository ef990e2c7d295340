package server

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// JSONString is a JSON document that travels as a string. It may hold NaN and
// the infinities.
type JSONString string

// ImplementsGraphQLType names the scalar.
func (JSONString) ImplementsGraphQLType(name string) bool { return name == "JSONString" }

// UnmarshalGraphQL takes a string.
func (s *JSONString) UnmarshalGraphQL(input any) error {
	text, ok := input.(string)
	if !ok {
		return fmt.Errorf("a JSONString is a string, not %T", input)
	}
	*s = JSONString(text)
	return nil
}

// JSON is any JSON value.
type JSON struct{ value any }

// ImplementsGraphQLType names the scalar.
func (JSON) ImplementsGraphQLType(name string) bool { return name == "JSON" }

// UnmarshalGraphQL takes anything.
func (j *JSON) UnmarshalGraphQL(input any) error { j.value = input; return nil }

// MarshalJSON gives the value.
func (j JSON) MarshalJSON() ([]byte, error) { return json.Marshal(j.value) }

// Int64 is a whole number; clients send it as a number or as text.
type Int64 int64

// ImplementsGraphQLType names the scalars that are whole numbers.
func (Int64) ImplementsGraphQLType(name string) bool { return name == "Int64" || name == "Duration" }

// UnmarshalGraphQL takes a number or its text.
func (n *Int64) UnmarshalGraphQL(input any) error {
	var err error
	switch v := input.(type) {
	case int32:
		*n = Int64(v)
	case int64:
		*n = Int64(v)
	case float64:
		if v != float64(int64(v)) {
			return fmt.Errorf("%v is no whole number", v)
		}
		*n = Int64(v)
	case json.Number:
		var i int64
		i, err = v.Int64()
		*n = Int64(i)
	case string:
		var i int64
		i, err = strconv.ParseInt(v, 10, 64)
		*n = Int64(i)
	default:
		err = fmt.Errorf("a whole number is wanted, not %T", input)
	}
	return err
}

// DateTime is a time in UTC.
type DateTime struct{ time.Time }

// ImplementsGraphQLType names the scalar.
func (DateTime) ImplementsGraphQLType(name string) bool { return name == "DateTime" }

// UnmarshalGraphQL takes RFC 3339 text.
func (t *DateTime) UnmarshalGraphQL(input any) (err error) {
	text, ok := input.(string)
	if !ok {
		return fmt.Errorf("a DateTime is a string, not %T", input)
	}
	t.Time, err = time.Parse(time.RFC3339, text)
	return err
}

// MarshalJSON gives RFC 3339 in UTC, without a fraction.
func (t DateTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format("2006-01-02T15:04:05Z"))
}
