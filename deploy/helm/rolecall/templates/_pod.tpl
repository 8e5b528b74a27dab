{{- /* What rolecall's pods and the one that runs doctor have alike. */ -}}
{{- define "rolecall.volumes" -}}
- name: config
  configMap:
    name: {{ include "rolecall.fullname" . }}
{{- with .Values.sealingKeys.existingSecret }}
- name: sealing-keys
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.clientCredential }}
{{- with coalesce .secret.existingSecret .certificate.existingSecret }}
- name: client
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if .workloadIdentity.enabled }}
# Named as Azure's webhook names it, which then adds no other; without the webhook it works as well.
- name: azure-identity-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: azure-identity-token
          audience: {{ include "rolecall.federationAudience" $ }}
          expirationSeconds: {{ .workloadIdentity.tokenExpirationSeconds }}
{{- end }}
{{- end }}
{{- with .Values.store.existingSecret }}
- name: store
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.certificateAuthority.existingConfigMap }}
- name: authority
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "rolecall.volumeMounts" -}}
- name: config
  mountPath: /etc/rolecall
  readOnly: true
{{- if .Values.sealingKeys.existingSecret }}
- name: sealing-keys
  mountPath: {{ include "rolecall.secretsPath" . }}/sealing-keys
  readOnly: true
{{- end }}
{{- if or .Values.clientCredential.secret.existingSecret .Values.clientCredential.certificate.existingSecret }}
- name: client
  mountPath: {{ include "rolecall.secretsPath" . }}/client
  readOnly: true
{{- end }}
{{- if .Values.clientCredential.workloadIdentity.enabled }}
- name: azure-identity-token
  mountPath: /var/run/secrets/azure/tokens
  readOnly: true
{{- end }}
{{- if .Values.store.existingSecret }}
- name: store
  mountPath: {{ include "rolecall.secretsPath" . }}/store
  readOnly: true
{{- end }}
{{- if .Values.certificateAuthority.existingConfigMap }}
- name: authority
  mountPath: /etc/rolecall-authority
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- /* Of Entra in each cloud (learn.microsoft.com, workload identity federation). */ -}}
{{- define "rolecall.federationAudience" -}}
{{- $cloud := default "public" (default dict .Values.config.identity_provider).cloud }}
{{- get (dict "public" "api://AzureADTokenExchange" "usgov" "api://AzureADTokenExchangeUSGov" "china" "api://AzureADTokenExchangeChina") $cloud }}
{{- end }}

{{- /* On lines of its own: dict "root" $ "indent" number */ -}}
{{- define "rolecall.imagePullSecrets" -}}
{{- with .root.Values.imagePullSecrets }}
{{- printf "imagePullSecrets:\n%s" (tpl (toYaml .) $.root | indent 2) | nindent (int $.indent) }}
{{- end }}
{{- end }}
