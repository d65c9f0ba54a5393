"""The opening handshake (RFC 6455, section 4) as pure functions over heads.

==============  ==============================================================================
``key``         Sec-WebSocket-Key and Sec-WebSocket-Accept
``fields``      reading header values, with one refusal for each way they can be wrong
``origin``      origins: parsed, normalised, matched
``server``      a request -> the verdict -> the 101 response
``answers``     every other response of a server: errors, redirects, the status page
``client``      the request; a response -> the verdict
``proxy``       CONNECT and the proxy's answer
==============  ==============================================================================
"""
