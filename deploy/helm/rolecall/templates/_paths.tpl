{{- /* Where clients come in, one path a line; "/" alone is exact. */ -}}
{{- define "rolecall.paths" -}}
/
/.well-known/oauth-protected-resource
/.well-known/oauth-authorization-server
/.well-known/openid-configuration
{{- if ne (include "rolecall.mode" .) "off" }}
/oauth
{{- end }}
{{- range default (list (dict)) .Values.config.resource }}
{{ default "/mcp" .path }}
{{- end }}
{{- with .Values.config.fleet }}
{{ default "/fleet/mcp" .path }}
{{- end }}
{{- end }}

{{- /* The URLs for clients, of the configuration as rolecall reads it: the fleet's first. */ -}}
{{- define "rolecall.endpoints" -}}
{{- $url := .public_url }}
{{- with .fleet }}
  {{ $url }}{{ default "/fleet/mcp" .path }}   (the fleet: every cluster with one sign-in)
{{- end }}
{{- range default list .resource }}
  {{ $url }}{{ default "/mcp" .path }}
{{- end }}
{{- end }}

{{- /*
Streams live for hours and are silent in between; tokens make long headers (12 KB with 200 groups).
nginx: these hold for one Ingress. What holds for the controller alone is told in NOTES.txt.
*/ -}}
{{- define "rolecall.controllerAnnotations" -}}
{{- $body := int64 (default 4194304 (default dict .Values.config.limits).body_bytes) }}
{{- if eq .Values.ingress.controller "nginx" }}
nginx.ingress.kubernetes.io/proxy-buffering: "off"
nginx.ingress.kubernetes.io/proxy-request-buffering: "off"
nginx.ingress.kubernetes.io/proxy-read-timeout: "86400"
nginx.ingress.kubernetes.io/proxy-send-timeout: "86400"
nginx.ingress.kubernetes.io/proxy-buffer-size: 16k
nginx.ingress.kubernetes.io/proxy-body-size: {{ $body | quote }}
nginx.ingress.kubernetes.io/force-ssl-redirect: "true"
{{- else if eq .Values.ingress.controller "application-gateway" }}
appgw.ingress.kubernetes.io/request-timeout: "86400"
appgw.ingress.kubernetes.io/ssl-redirect: "true"
{{- end }}
{{- end }}
