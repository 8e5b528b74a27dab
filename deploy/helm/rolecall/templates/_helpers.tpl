{{- define "rolecall.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "rolecall.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "rolecall.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "rolecall.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "rolecall.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "rolecall.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "rolecall.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* What NetworkPolicies know rolecall by: its pods and the one that runs doctor. */ -}}
{{- define "rolecall.ownLabels" -}}
app.kubernetes.io/name: {{ include "rolecall.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rolecall.selectorLabels" -}}
{{ include "rolecall.ownLabels" . }}
app.kubernetes.io/component: proxy
{{- end }}

{{- define "rolecall.mcpSelectorLabels" -}}
app.kubernetes.io/name: kubernetes-mcp-server
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ printf "mcp-%s" .name }}
{{- end }}

{{- define "rolecall.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/part-of: rolecall
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "rolecall.labels" -}}
{{ include "rolecall.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "rolecall.commonLabels" . }}
{{- end }}

{{- /* On lines of their own: common annotations and those of one object. dict "root" $ "own" map "indent" number */ -}}
{{- define "rolecall.annotations" -}}
{{- with merge (dict) (default dict .own) .root.Values.commonAnnotations }}
{{- printf "annotations:\n%s" (tpl (toYaml .) $.root | indent 2) | nindent (int $.indent) }}
{{- end }}
{{- end }}

{{- /* dict "image" map "tag" default tag */ -}}
{{- define "rolecall.image" -}}
{{- $name := .image.repository }}
{{- if .image.registry }}{{ $name = printf "%s/%s" .image.registry $name }}{{ end }}
{{- if .image.digest }}
{{- printf "%s@%s" $name .image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .tag .image.tag) }}
{{- end }}
{{- end }}

{{- define "rolecall.replicas" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.maxReplicas }}{{ else }}{{ .Values.replicaCount }}{{ end }}
{{- end }}

{{- /* "true" where clients come through an ingress or a gateway. */ -}}
{{- define "rolecall.isPublished" -}}
{{- if or .Values.ingress.enabled .Values.httpRoute.enabled }}true{{ end }}
{{- end }}

{{- define "rolecall.secretsPath" -}}/etc/rolecall-secrets{{- end }}

{{- /* Seconds of a duration such as "90s" or "1.5m". */ -}}
{{- define "rolecall.seconds" -}}
{{- $number := regexFind "^[0-9.]+" . | float64 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $factor := get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) $unit }}
{{- mulf $number (default 1.0 $factor) | ceil | int }}
{{- end }}

{{- define "rolecall.gracePeriod" -}}
{{- $config := .Values.config }}
{{- $delay := include "rolecall.seconds" (default "5s" $config.shutdown_delay) | int }}
{{- $grace := include "rolecall.seconds" (default "20s" $config.shutdown_grace) | int }}
{{- add $delay $grace 5 }}
{{- end }}

{{- define "rolecall.hasStore" -}}
{{- $store := default dict .Values.config.store }}
{{- if or .Values.store.existingSecret $store.redis_url $store.redis_url_file }}true{{ end }}
{{- end }}

{{- /* The ports of upstreams that are not in this cluster, a list in YAML. */ -}}
{{- define "rolecall.portsElsewhere" -}}
{{- $ports := list }}
{{- if .Values.networkPolicy.mcpServersElsewhere }}
{{- range default list .Values.config.resource }}
{{- if .upstream }}
{{- $url := urlParse .upstream }}
{{- $standard := ternary "443" "80" (eq $url.scheme "https") }}
{{- $ports = append $ports (default $standard (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host)) | int) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml (uniq $ports) }}
{{- end }}
