// Fills templates as Grafana's alerting and its Alertmanager do: jobs as JSON in, texts out.
package main

import (
	"encoding/json"
	"log"
	"os"
	"regexp"
	"strings"
	"text/template"
)

type value struct{ Value float64 }

type alert struct{ Annotations map[string]string }

type job struct {
	Text string
	// Of a rule's text: labels of the series and values of the steps, both empty without an answer.
	Labels map[string]string
	Values map[string]value
	// Of a message: the template to run, and what fires and what is well again.
	Message string
	Alerts  struct{ Firing, Resolved []alert }
}

func fill(each job) string {
	functions := template.FuncMap{
		"externalURL": func() string { return "http://grafana/" },
		"reReplaceAll": func(pattern, with, text string) string {
			return regexp.MustCompile(pattern).ReplaceAllString(text, with)
		},
	}
	parsed := template.New("text").Funcs(functions)
	if each.Message == "" {
		parsed = parsed.Option("missingkey=invalid")
		each.Message = "text"
	} else {
		parsed = parsed.Option("missingkey=zero")
	}
	parsed, err := parsed.Parse(each.Text)
	if err != nil {
		log.Fatal(err)
	}
	var filled strings.Builder
	if err := parsed.ExecuteTemplate(&filled, each.Message, each); err != nil {
		log.Fatal(err)
	}
	return filled.String()
}

func main() {
	var jobs []job
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		log.Fatal(err)
	}
	texts := []string{}
	for _, each := range jobs {
		texts = append(texts, fill(each))
	}
	json.NewEncoder(os.Stdout).Encode(texts)
}
