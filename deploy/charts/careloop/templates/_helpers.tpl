{{- define "careloop.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "careloop.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "careloop.labels" -}}
app.kubernetes.io/name: careloop
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What selects the pods of one service: dict root, service. Never changed, or an upgrade is refused. */}}
{{- define "careloop.selector" -}}
app.kubernetes.io/name: careloop
app.kubernetes.io/instance: {{ .root.Release.Name }}
careloop.org/service: {{ .service }}
{{- end }}

{{- define "careloop.postgresHost" -}}
{{- if eq .Values.postgres.mode "cloudnativepg" }}{{ include "careloop.name" . }}-postgres-rw{{ else }}{{ .Values.postgres.host }}{{ end -}}
{{- end }}

{{/* Where one service finds its database: dict root, service. */}}
{{- define "careloop.postgresOf" -}}
{{- $p := .root.Values.postgres -}}
{{- $own := index $p.perService .service | default dict -}}
{{- $own.host | default (include "careloop.postgresHost" .root) }}:{{ $own.port | default $p.port }}/{{ $own.database | default $p.database -}}
{{- end }}

{{- define "careloop.kafkaBootstrap" -}}
{{- if eq .Values.kafka.mode "strimzi" }}{{ include "careloop.name" . }}-kafka-bootstrap:9093{{ else }}{{ .Values.kafka.bootstrap }}{{ end -}}
{{- end }}

{{- define "careloop.kafkaCaSecret" -}}
{{- if eq .Values.kafka.mode "strimzi" }}{{ include "careloop.name" . }}-cluster-ca-cert{{ else }}{{ .Values.kafka.caSecret.name }}{{ end -}}
{{- end }}

{{- define "careloop.postgresCaSecret" -}}
{{- if eq .Values.postgres.mode "cloudnativepg" }}{{ include "careloop.name" . }}-postgres-ca{{ else }}{{ .Values.postgres.caSecret.name }}{{ end -}}
{{- end }}

{{- define "careloop.migratorSecret" -}}
{{- if eq .Values.postgres.mode "cloudnativepg" }}{{ include "careloop.name" . }}-postgres-app{{ else }}{{ .Values.migrations.urlSecret.name }}{{ end -}}
{{- end }}

{{- define "careloop.postgresQuery" -}}
sslmode={{ .Values.postgres.sslmode }}
{{- if hasPrefix "verify" .Values.postgres.sslmode }}&sslrootcert=/etc/careloop/postgres-ca/{{ .Values.postgres.caSecret.key }}{{ end -}}
{{- end }}

{{- define "careloop.kafkaEncrypts" -}}{{ has .Values.kafka.securityProtocol (list "SSL" "SASL_SSL") | ternary "yes" "" }}{{- end }}
{{- define "careloop.kafkaPassword" -}}{{ hasPrefix "SASL" .Values.kafka.securityProtocol | ternary "yes" "" }}{{- end }}

{{- define "careloop.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "careloop.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- with .Values.securityContext }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
