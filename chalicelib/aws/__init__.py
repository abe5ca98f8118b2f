"""AWS, and nothing but AWS: the only package that knows boto3. Every failure of a service is `Unavailable`."""
