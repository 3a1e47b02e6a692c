"""Who may call what: one table over all RPCs of all services. An RPC without a row is refused."""

from careloop.contracts.terms import Role

PRESCRIBERS = frozenset({Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER})
CARE_TEAM = PRESCRIBERS | {Role.THERAPIST, Role.CARE_MANAGER}
CLINICIANS = CARE_TEAM | {Role.PHARMACIST}
OPERATORS = frozenset({Role.OPERATOR})

OPERATIONS = {
    "/care.operations.v1.OperationsService/GetStatus": OPERATORS,
    "/care.operations.v1.OperationsService/ListParked": OPERATORS,
    "/care.operations.v1.OperationsService/RetryParked": OPERATORS,
    "/care.operations.v1.OperationsService/DropParked": OPERATORS,
    "/care.operations.v1.OperationsService/ReadPublished": frozenset({Role.SERVICE}),
}

# A registrar brings in what other systems recorded; what a clinician judges stays with the care team.
RECORDERS = CARE_TEAM | {Role.REGISTRAR}

ASSESSMENT: dict[str, frozenset[Role]] = {
    "/care.assessment.v1.AssessmentService/EnrollPatient": RECORDERS,
    "/care.assessment.v1.AssessmentService/RecordHistory": RECORDERS,
    "/care.assessment.v1.AssessmentService/ReconcileMedications": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/AddMedication": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/RecordAllergies": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/AddAllergy": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/RecordListGaps": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/RecordPregnancy": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/RecordResults": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/RecordGenotypes": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/RecordSmoking": RECORDERS | {Role.PHARMACIST},
    "/care.assessment.v1.AssessmentService/AnswerScale": RECORDERS,
    "/care.assessment.v1.AssessmentService/RecordScaleTotal": RECORDERS,
    "/care.assessment.v1.AssessmentService/EstablishDiagnosis": PRESCRIBERS,
    "/care.assessment.v1.AssessmentService/ProposePlan": CARE_TEAM,
    "/care.assessment.v1.AssessmentService/AddToPlan": CARE_TEAM,
    "/care.assessment.v1.AssessmentService/CompleteAssessment": PRESCRIBERS,
    "/care.assessment.v1.AssessmentService/AmendAssessment": PRESCRIBERS,
    "/care.assessment.v1.AssessmentService/CloseEpisode": PRESCRIBERS | {Role.CARE_MANAGER, Role.REGISTRAR},
    "/care.assessment.v1.AssessmentService/ConfirmDeath": RECORDERS,
    "/care.assessment.v1.AssessmentService/MarkEnteredInError": RECORDERS,
    "/care.assessment.v1.AssessmentService/GetAssessment": CLINICIANS | {Role.REGISTRAR},
}

PRESCRIBING: dict[str, frozenset[Role]] = {
    "/care.prescribing.v1.PrescribingService/ScreenOrder": CLINICIANS,
    "/care.prescribing.v1.PrescribingService/DraftDosePlan": CLINICIANS,
    "/care.prescribing.v1.PrescribingService/IssuePrescription": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/ChangeDose": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/DiscontinuePrescription": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/SignDosePlan": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/ConfirmStep": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/HoldStep": PRESCRIBERS | {Role.CLIENT},
    "/care.prescribing.v1.PrescribingService/ChangeStep": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/EndDosePlan": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/CountSupply": CLINICIANS | {Role.CLIENT},
    "/care.prescribing.v1.PrescribingService/ResolveDiscrepancy": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/AnswerConcern": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/MarkEnteredInError": PRESCRIBERS,
    "/care.prescribing.v1.PrescribingService/GetDecisions": CLINICIANS,
    "/care.prescribing.v1.PrescribingService/ReadDecisions": frozenset({Role.ANALYST}),
    "/care.prescribing.v1.PrescribingService/RunStandingCheck": frozenset(
        {Role.ANALYST, Role.PHARMACIST, Role.PSYCHIATRIST}
    ),
}

MONITORING: dict[str, frozenset[Role]] = {
    "/care.monitoring.v1.MonitoringService/ReportSideEffect": CLINICIANS | {Role.CLIENT},
    "/care.monitoring.v1.MonitoringService/ResolveSideEffect": CARE_TEAM,
    "/care.monitoring.v1.MonitoringService/AnswerScale": CARE_TEAM | {Role.CLIENT},
    "/care.monitoring.v1.MonitoringService/RecordRiskContact": CARE_TEAM,
    "/care.monitoring.v1.MonitoringService/RecordDose": CLINICIANS | {Role.CLIENT},
    "/care.monitoring.v1.MonitoringService/TookTooMuch": frozenset({Role.CLIENT}),
    "/care.monitoring.v1.MonitoringService/MarkEnteredInError": CARE_TEAM,
}

NOTIFICATIONS: dict[str, frozenset[Role]] = {
    "/care.notifications.v1.NotificationsService/AcknowledgeNotice": CLINICIANS,
    "/care.notifications.v1.NotificationsService/ListInbox": CLINICIANS | {Role.CLIENT},
    "/care.notifications.v1.NotificationsService/GetNotice": CLINICIANS,
    "/care.notifications.v1.NotificationsService/MarkEnteredInError": PRESCRIBERS | {Role.CARE_MANAGER},
}

COORDINATION: dict[str, frozenset[Role]] = {
    "/care.coordination.v1.CoordinationService/AssignTeamMember": PRESCRIBERS | {Role.CARE_MANAGER, Role.REGISTRAR},
    "/care.coordination.v1.CoordinationService/ReleaseTeamMember": PRESCRIBERS | {Role.CARE_MANAGER, Role.REGISTRAR},
    "/care.coordination.v1.CoordinationService/PostMessage": CLINICIANS | {Role.CLIENT},
    "/care.coordination.v1.CoordinationService/MarkEnteredInError": CARE_TEAM,
    "/care.coordination.v1.CoordinationService/GetCareView": CLINICIANS | {Role.CLIENT},
    "/care.coordination.v1.CoordinationService/GetCareViewAsKnown": CLINICIANS,
    "/care.coordination.v1.CoordinationService/ListCaseload": CLINICIANS,
    "/care.coordination.v1.CoordinationService/WatchCareView": CLINICIANS | {Role.CLIENT},
    "/care.coordination.v1.CoordinationService/ReadJournal": frozenset({Role.ANALYST}),
    "/care.coordination.v1.CoordinationService/ReadJournalFrames": frozenset({Role.ANALYST}),
    "/care.coordination.v1.CoordinationService/RebuildCareView": OPERATORS,
}

POLICY: dict[str, frozenset[Role]] = OPERATIONS | ASSESSMENT | PRESCRIBING | MONITORING | NOTIFICATIONS | COORDINATION
