"""What leaves the machine beside AWS: DNS look-ups and SMTP dialogs. Other people's servers never raise here."""
