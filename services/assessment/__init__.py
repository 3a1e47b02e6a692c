"""Assessment decides who is a client, what is known of them at the start, and when the initial assessment is complete.

History, medications, allergies, scales, diagnoses and the plan are facts that count before and after completion.
Only a psychiatrist or a psychiatric nurse practitioner with a valid credential completes or amends it.
"""
